// How good a listener would call what arrives: the E-model (ITU-T G.107), as the exchange itself counts it (`media/src/quality.rs`), so that both say the same of the same call.

export interface Impairments {
  /** The part of packets that was not played, 0 to 1. */
  loss: number
  /** How much longer the runs of packets that were not played are than if each were lost on its own; 1 for random loss. */
  burstRatio: number
  /** From mouth to ear, in milliseconds. */
  delay: number
}

/** Ro − Is with all default values of G.107 table 3; Ro, and the room noise it comes from. */
const BASIC = 93.355
const RO = 94.77
const NO = -61.18
/** The loudness rating of the receiver, the talker echo's, and the echo path's loss. */
const RLR = 2
const TELR = 65
const WEPL = 110
/** Bpl of G.711 with concealment (G.113 table I.4); a browser's codecs are counted as that. */
const ROBUSTNESS = 25.1

/** The transmission rating R: 93.2 at best. */
export function rating({ loss, burstRatio, delay }: Impairments): number {
  const percent = 100 * Math.min(1, Math.max(0, loss))
  const equipment = (95 * percent) / (percent / Math.max(1, burstRatio) + ROBUSTNESS)
  return BASIC - talkerEcho(delay) - listenerEcho(2 * delay) - absoluteDelay(delay) - equipment
}

/** What a listener would say, 1 to 4.5 (Annex B). */
export function opinion(impairments: Impairments): number {
  const r = rating(impairments)
  if (r >= 100) return 4.5
  if (r <= 6.5) return 1
  return Math.round(100 * (1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)) / 100
}

function talkerEcho(delay: number): number {
  const fading = 6 * Math.exp(-0.3 * delay * delay)
  const loudness = TELR - 40 * Math.log10((1 + delay / 10) / (1 + delay / 150)) + fading
  const half = (-1.5 * (NO - RLR) - (80 + 2.5 * (loudness - 14))) / 2
  return (half + Math.sqrt(half * half + 100) - 1) * (1 - Math.exp(-delay))
}

function listenerEcho(delay: number): number {
  const half = (RO - 10.5 * (WEPL + 7) * (delay + 1) ** -0.25) / 2
  return half + Math.sqrt(half * half + 169)
}

function absoluteDelay(delay: number): number {
  if (delay <= 100) return 0
  const ratio = Math.log2(delay / 100)
  const root = (x: number): number => (1 + x ** 6) ** (1 / 6)
  return 25 * (root(ratio) - 3 * root(ratio / 3) + 2)
}

/** An opinion in a word. */
export function opinionWord(score: number): { word: string; tone: string } {
  if (score >= 4) return { word: 'Good', tone: 'good' }
  if (score >= 3.6) return { word: 'Fair', tone: 'good' }
  return score >= 3.1 ? { word: 'Poor', tone: 'warn' } : { word: 'Bad', tone: 'bad' }
}
