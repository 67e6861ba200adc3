// How a call sounds, read from what the browser counts (`RTCPeerConnection.getStats`).
import { opinion } from './opinion'

/** What of the browser's reports is looked at; they are as loose as the standard lets them be. */
export interface Report {
  type: string
  id: string
  [name: string]: unknown
}

export interface Quality {
  codec: string
  /** Packets that never came, and their part of all, in percent. */
  lost: number
  loss: number
  jitter: number
  roundTrip: number | null
  /** The part of what we sent that did not arrive, in percent, as the other side says. */
  farLoss: number | null
  opinion: number | null
  encryption: string
}

/** The quality so far; `null` before the first packet. */
export function qualityOf(reports: Iterable<Report>): Quality | null {
  const all = [...reports]
  const heard = all.find((one) => one.type === 'inbound-rtp' && one['kind'] === 'audio')
  if (!heard || !number(heard, 'packetsReceived')) return null
  const far = all.find((one) => one.type === 'remote-inbound-rtp' && one['kind'] === 'audio')
  const pair = all.find((one) => one.type === 'candidate-pair' && one['nominated'] === true && one['state'] === 'succeeded')
  const transport = all.find((one) => one.type === 'transport')
  const codec = all.find((one) => one.type === 'codec' && one.id === heard['codecId'])
  const lost = Math.max(0, number(heard, 'packetsLost') ?? 0)
  const received = number(heard, 'packetsReceived') ?? 0
  const jitter = 1000 * (number(heard, 'jitter') ?? 0)
  const seconds = number(far, 'roundTripTime') ?? number(pair, 'currentRoundTripTime')
  const roundTrip = seconds === null ? null : 1000 * seconds
  const farLoss = number(far, 'fractionLost')
  return {
    codec: codecName(codec),
    lost,
    loss: (100 * lost) / (lost + received),
    jitter,
    roundTrip,
    farLoss: farLoss === null ? null : 100 * farLoss,
    opinion: opinion({ loss: unheard(heard, lost / (lost + received)), burstRatio: 1, delay: (roundTrip ?? 0) / 2 + 20 + buffered(heard, jitter) }),
    encryption: String(transport?.['srtpCipher'] ?? ''),
  }
}

/** The part that was made up because nothing came in time, without the silence that a sender leaves out; or what was lost, where that is more. */
function unheard(heard: Report, lost: number): number {
  const all = number(heard, 'totalSamplesReceived') ?? 0
  const concealed = (number(heard, 'concealedSamples') ?? 0) - (number(heard, 'silentConcealedSamples') ?? 0)
  return all > 0 ? Math.max(lost, Math.min(1, concealed / all)) : lost
}

/** How long the browser keeps what came before it plays it, in milliseconds. */
function buffered(heard: Report, jitter: number): number {
  const [delay, count] = [number(heard, 'jitterBufferDelay'), number(heard, 'jitterBufferEmittedCount')]
  return delay !== null && count ? (1000 * delay) / count : 2 * jitter
}

/** `opus 48 kHz`, `PCMU`, as in the list of calls. */
function codecName(codec: Report | undefined): string {
  const name = String(codec?.['mimeType'] ?? '').replace(/^audio\//i, '')
  const rate = number(codec, 'clockRate')
  return !name || !rate || rate === 8000 ? name : `${name} ${rate / 1000} kHz`
}

function number(report: Report | undefined, name: string): number | null {
  const value = report?.[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
