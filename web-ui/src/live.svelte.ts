// The one event stream of the page: its state for the banner, its events for whoever shows something.
import { EventStream, type Envelope, type StreamState } from './events'
import { me, session } from './login/session.svelte'

export interface Listener {
  onEvents: (events: Envelope[]) => void
  /** Read everything again. */
  onGap: () => void
}

/** Events are handed on together, so that a busy exchange does not draw the page a thousand times a second. */
const BATCH_MS = 120
/** Beyond it a batch is given up, and the lists are read again. */
const BATCH_LIMIT = 2000

let state = $state<StreamState>('closed')
let trouble = $state(false)
let stream: EventStream | null = null
let starting = 0
let batch: Envelope[] = []
let overflow = false
let timer: ReturnType<typeof setTimeout> | null = null
let worry: ReturnType<typeof setTimeout> | null = null
const listeners = new Set<Listener>()

export const live = {
  get state(): StreamState {
    return state
  },
  /** Whether the connection has been away for long enough to say so. */
  get trouble(): boolean {
    return trouble
  },
}

/** Adds a listener; the answer takes it away again. */
export function listen(listener: Listener): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** Connects; tries on until [`stopLive`]. */
export async function startLive(): Promise<void> {
  const mine = ++starting
  try {
    const { customer_id } = await me()
    if (mine === starting && session.token) open(customer_id)
  } catch {
    if (mine !== starting || !session.token) return
    setState('waiting')
    setTimeout(() => mine === starting && session.token && void startLive(), 3000)
  }
}

/** Disconnects for good. */
export function stopLive(): void {
  starting += 1
  stream?.close()
  stream = null
  batch = []
  setState('closed')
}

/** Tries again at once. */
export function retryLive(): void {
  if (stream) stream.retry()
  else void startLive()
}

function open(customer: string): void {
  stream?.close()
  stream = new EventStream({
    url: () => address(session.token ?? ''),
    topics: [`customer_id:${customer}`],
    onEvent: queue,
    onState: setState,
    onGap: () => listeners.forEach((listener) => listener.onGap()),
    // The socket does not say why it was refused; if it was the token, this request ends the session.
    onRefused: () => void me().catch(() => undefined),
  })
}

/** Where the events are. */
export function address(token: string): string {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  return `${scheme}://${location.host}/v1.0/ws?token=${encodeURIComponent(token)}`
}

function queue(event: Envelope): void {
  if (batch.length < BATCH_LIMIT) batch.push(event)
  else overflow = true
  timer ??= setTimeout(flush, BATCH_MS)
}

function flush(): void {
  timer = null
  const events = batch
  const lost = overflow
  batch = []
  overflow = false
  if (lost) listeners.forEach((listener) => listener.onGap())
  else if (events.length) listeners.forEach((listener) => listener.onEvents(events))
}

function setState(next: StreamState): void {
  state = next
  if (next === 'open' || next === 'closed') {
    if (worry) clearTimeout(worry)
    worry = null
    trouble = false
  } else {
    worry ??= setTimeout(() => (trouble = true), 2500)
  }
}
