// Every sound that is no voice, made by Web Audio: keys, the bell, the ringing of the called phone, the knock of a second call.
import type { Sound } from './calls'
import { sendTo } from './devices.svelte'
import { tonesOf } from './dial'

interface Outlet {
  into: GainNode
  element: HTMLAudioElement
}

/** A burst: its tones in hertz, when it begins and how long it is, in seconds. */
type Burst = [tones: number[], at: number, length: number]

interface Pattern {
  outlet: 'speaker' | 'ringer'
  bursts: Burst[]
  /** Seconds until it begins again. */
  every: number
  loudness: number
}

const warble = (from: number): Burst[] => Array.from({ length: 16 }, (_, index) => [[index % 2 ? 1060 : 830], from + index * 0.05, 0.05])

const PATTERNS: Record<Exclude<Sound, null>, Pattern> = {
  ring: { outlet: 'ringer', bursts: warble(0), every: 2.8, loudness: 0.35 },
  knock: { outlet: 'speaker', bursts: [[[425], 0, 0.2], [[425], 0.4, 0.2]], every: 5, loudness: 0.12 },
  ringback: { outlet: 'speaker', bursts: [[[425], 0, 1]], every: 5, loudness: 0.12 },
}

const KEY_SECONDS = 0.12
/** So long it takes to come and to go, so that it does not click. */
const EDGE_SECONDS = 0.006

export class Sounds {
  #context: AudioContext | null = null
  readonly #outlets = new Map<Pattern['outlet'], Outlet>()
  readonly #device: (kind: Pattern['outlet']) => string
  #playing: Sound = null
  #timer: ReturnType<typeof setInterval> | undefined
  #running: OscillatorNode[] = []

  constructor(device: (kind: Pattern['outlet']) => string) {
    this.#device = device
  }

  /** The one context of the phone; browsers let it run once somebody has touched the page. */
  get context(): AudioContext {
    this.#context ??= new AudioContext()
    if (this.#context.state === 'suspended') void this.#context.resume().catch(() => undefined)
    return this.#context
  }

  /** A key, in the ear. */
  key(key: string): void {
    const tones = tonesOf(key)
    if (tones) this.#burst('speaker', [tones, 0, KEY_SECONDS], 0.14)
  }

  /** Goes on with a sound until another one, or none, is asked for. */
  play(sound: Sound): void {
    if (sound === this.#playing) return
    this.#playing = sound
    clearInterval(this.#timer)
    this.#running.forEach((one) => stopped(one))
    this.#running = []
    if (!sound) return
    const pattern = PATTERNS[sound]
    const round = (): void => {
      this.#running = pattern.bursts.map((burst) => this.#burst(pattern.outlet, burst, pattern.loudness))
    }
    round()
    this.#timer = setInterval(round, 1000 * pattern.every)
  }

  /** The bell once, to hear where it is and how loud. */
  tryBell(): void {
    for (const burst of warble(0)) this.#burst('ringer', burst, PATTERNS.ring.loudness)
  }

  /** The devices were chosen anew. */
  route(): void {
    for (const [kind, outlet] of this.#outlets) void sendTo(outlet.element, this.#device(kind))
  }

  close(): void {
    this.play(null)
    for (const { element } of this.#outlets.values()) element.srcObject = null
    this.#outlets.clear()
    void this.#context?.close().catch(() => undefined)
    this.#context = null
  }

  #burst(outlet: Pattern['outlet'], [tones, at, length]: Burst, loudness: number): OscillatorNode {
    const { context } = this
    const start = context.currentTime + at
    const gain = context.createGain()
    gain.gain.setValueAtTime(0, start)
    gain.gain.linearRampToValueAtTime(loudness, start + EDGE_SECONDS)
    gain.gain.setValueAtTime(loudness, start + length - EDGE_SECONDS)
    gain.gain.linearRampToValueAtTime(0, start + length)
    gain.connect(this.#outlet(outlet).into)
    const made = tones.map((frequency) => {
      const oscillator = new OscillatorNode(context, { frequency })
      oscillator.connect(gain)
      oscillator.start(start)
      oscillator.stop(start + length)
      return oscillator
    })
    const last = made[made.length - 1]!
    last.onended = () => gain.disconnect()
    return last
  }

  #outlet(kind: Pattern['outlet']): Outlet {
    const known = this.#outlets.get(kind)
    if (known) return known
    const into = this.context.createGain()
    const destination = this.context.createMediaStreamDestination()
    const element = new Audio()
    into.connect(destination)
    element.srcObject = destination.stream
    void sendTo(element, this.#device(kind))
    void element.play().catch(() => undefined)
    const outlet = { into, element }
    this.#outlets.set(kind, outlet)
    return outlet
  }
}

function stopped(oscillator: OscillatorNode): void {
  try {
    oscillator.stop()
  } catch {
    // It has stopped by itself.
  }
}
