// The WebSocket of events: subscribes, tells apart what is new, comes back after a break where it left off.

/** What leaves the event log: `type` is `<resource>_<verb>`. */
export interface Envelope {
  type: string
  data: unknown
  seq?: number
}

export type StreamState = 'connecting' | 'open' | 'waiting' | 'closed'

export interface StreamHandlers {
  onEvent: (event: Envelope) => void
  onState: (state: StreamState) => void
  /** Connected, or told of a loss: events may have been missed, whatever is shown has to be read again. */
  onGap: () => void
  /** A connection did not come up. */
  onRefused?: () => void
}

/** The part of a WebSocket that is used. */
export interface Socket {
  onopen: (() => void) | null
  onmessage: ((message: { data: unknown }) => void) | null
  onclose: (() => void) | null
  send(text: string): void
  close(): void
}

export interface StreamOptions extends StreamHandlers {
  /** The address, without `after`. */
  url: () => string
  topics: string[]
  /** The number behind which it begins; without: what comes from now on. */
  after?: number
  open?: (url: string) => Socket
  later?: (action: () => void, milliseconds: number) => () => void
  random?: () => number
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000
/** Server pings come every 10 s, but a browser does not show them; this only bounds a hanging connect. */
const CONNECT_PATIENCE_MS = 10_000

/** Milliseconds before try number `attempt` (from 0): doubling, with jitter, bounded. */
export function backoff(attempt: number, random: number): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 10))
  return Math.round(full * (0.75 + random * 0.5))
}

/** Reads one message; `null` for what is not an envelope. */
export function readEnvelope(text: unknown): Envelope | null {
  if (typeof text !== 'string') return null
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return null
    const { type, data, seq } = value as { type?: unknown; data?: unknown; seq?: unknown }
    if (typeof type !== 'string') return null
    return typeof seq === 'number' ? { type, data, seq } : { type, data }
  } catch {
    return null
  }
}

/** One logical stream over as many connections as it takes. */
export class EventStream {
  readonly #options: StreamOptions
  #socket: Socket | null = null
  #cancel: (() => void) | null = null
  #attempt = 0
  /** The number of the last event; none yet: nothing is asked for that was before. */
  #last = -1
  #closed = false

  constructor(options: StreamOptions) {
    this.#options = options
    this.#last = options.after ?? -1
    this.#connect()
  }

  /** Ends it for good. */
  close(): void {
    this.#closed = true
    this.#cancel?.()
    this.#drop()
    this.#options.onState('closed')
  }

  /** Does not wait for the next try. */
  retry(): void {
    if (this.#closed || this.#socket) return
    this.#cancel?.()
    this.#connect()
  }

  #connect(): void {
    this.#options.onState('connecting')
    const base = this.#options.url()
    const after = this.#last >= 0 ? `${base.includes('?') ? '&' : '?'}after=${this.#last}` : ''
    const socket = (this.#options.open ?? openSocket)(base + after)
    this.#socket = socket
    let up = false
    this.#cancel = (this.#options.later ?? later)(() => this.#fail(false), CONNECT_PATIENCE_MS)
    socket.onopen = () => {
      up = true
      this.#established(socket)
    }
    socket.onmessage = (message) => this.#receive(message.data)
    socket.onclose = () => this.#fail(up)
  }

  #established(socket: Socket): void {
    this.#cancel?.()
    this.#attempt = 0
    socket.send(JSON.stringify({ type: 'subscribe', topics: this.#options.topics }))
    this.#options.onState('open')
    this.#options.onGap()
  }

  #receive(data: unknown): void {
    const envelope = readEnvelope(data)
    if (!envelope) return
    if (envelope.type === 'lagged') {
      this.#options.onGap()
      return
    }
    if (envelope.seq !== undefined) {
      if (envelope.seq <= this.#last) return
      this.#last = envelope.seq
    }
    this.#options.onEvent(envelope)
  }

  #fail(wasUp: boolean): void {
    if (this.#closed) return
    this.#cancel?.()
    this.#drop()
    if (!wasUp) this.#options.onRefused?.()
    if (this.#closed) return
    this.#options.onState('waiting')
    const wait = backoff(this.#attempt, (this.#options.random ?? Math.random)())
    this.#attempt += 1
    this.#cancel = (this.#options.later ?? later)(() => this.#connect(), wait)
  }

  #drop(): void {
    const socket = this.#socket
    this.#socket = null
    if (!socket) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
  }
}

function openSocket(url: string): Socket {
  return new WebSocket(url) as unknown as Socket
}

function later(action: () => void, milliseconds: number): () => void {
  const timer = setTimeout(action, milliseconds)
  return () => clearTimeout(timer)
}
