import { beforeEach, describe, expect, it } from 'vitest'
import { backoff, EventStream, readEnvelope, type Envelope, type Socket, type StreamState } from './events'

class FakeSocket implements Socket {
  onopen: (() => void) | null = null
  onmessage: ((message: { data: unknown }) => void) | null = null
  onclose: (() => void) | null = null
  sent: string[] = []
  closed = false
  constructor(readonly url: string) {}
  send(text: string) {
    this.sent.push(text)
  }
  close() {
    this.closed = true
  }
  tell(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) })
  }
}

let sockets: FakeSocket[]
let timers: { action: () => void; wait: number; off: boolean }[]
let events: Envelope[]
let states: StreamState[]
let gaps: number
let refused: number

/** Runs the timer that waits now. */
function fire() {
  const timer = timers.filter((one) => !one.off).at(-1)!
  timer.off = true
  timer.action()
  return timer.wait
}

function stream() {
  return new EventStream({
    url: () => 'ws://box/v1.0/ws?token=t',
    topics: ['customer_id:c'],
    onEvent: (event) => events.push(event),
    onState: (state) => states.push(state),
    onGap: () => void (gaps += 1),
    onRefused: () => void (refused += 1),
    open: (url) => sockets[sockets.push(new FakeSocket(url)) - 1]!,
    later: (action, wait) => {
      const timer = { action, wait, off: false }
      timers.push(timer)
      return () => void (timer.off = true)
    },
    random: () => 0.5,
  })
}

beforeEach(() => {
  sockets = []
  timers = []
  events = []
  states = []
  gaps = 0
  refused = 0
})

describe('the stream', () => {
  it('subscribes, reads again, and hands events on once', () => {
    stream()
    sockets[0]!.onopen!()
    expect(sockets[0]!.sent).toEqual(['{"type":"subscribe","topics":["customer_id:c"]}'])
    expect(gaps).toBe(1)
    sockets[0]!.tell({ type: 'call_created', data: { id: 'a' }, seq: 5 })
    sockets[0]!.tell({ type: 'call_created', data: { id: 'a' }, seq: 5 })
    sockets[0]!.tell({ type: 'call_ringing', data: { id: 'a' }, seq: 6 })
    expect(events.map((event) => event.type)).toEqual(['call_created', 'call_ringing'])
  })
  it('comes back after the last event, later each time', () => {
    stream()
    sockets[0]!.onopen!()
    sockets[0]!.tell({ type: 'x_y', data: null, seq: 41 })
    sockets[0]!.onclose!()
    expect(fire()).toBe(500)
    expect(sockets[1]!.url).toBe('ws://box/v1.0/ws?token=t&after=41')
    sockets[1]!.onclose!()
    expect(fire()).toBe(1000)
    expect(refused).toBe(1)
    sockets[2]!.onopen!()
    sockets[2]!.onclose!()
    expect(fire()).toBe(500)
    expect(states).toEqual(['connecting', 'open', 'waiting', 'connecting', 'waiting', 'connecting', 'open', 'waiting', 'connecting'])
  })
  it('gives up a connect that hangs', () => {
    stream()
    expect(fire()).toBe(10_000)
    expect(sockets[0]!.closed).toBe(true)
    expect(states.at(-1)).toBe('waiting')
  })
  it('reads again when told of a loss', () => {
    stream()
    sockets[0]!.onopen!()
    sockets[0]!.tell({ type: 'lagged', data: { missed: 12 } })
    expect([gaps, events.length]).toEqual([2, 0])
  })
  it('is not disturbed by nonsense', () => {
    stream()
    sockets[0]!.onopen!()
    for (const data of ['{', 'null', '7', '{"type":7}', undefined, new ArrayBuffer(4)]) sockets[0]!.onmessage!({ data })
    expect(events).toEqual([])
  })
  it('stays away once closed', () => {
    const one = stream()
    sockets[0]!.onopen!()
    one.close()
    one.retry()
    expect([sockets.length, sockets[0]!.closed, states.at(-1), timers.every((timer) => timer.off)]).toEqual([1, true, 'closed', true])
  })
})

describe('details', () => {
  it('back-off is bounded', () => {
    expect([0, 1, 4, 5, 99].map((attempt) => backoff(attempt, 0.5))).toEqual([500, 1000, 8000, 15_000, 15_000])
    expect([backoff(9, 0), backoff(9, 1)]).toEqual([11_250, 18_750])
  })
  it('an envelope may lack its number', () => {
    expect(readEnvelope('{"type":"a_b","data":1}')).toEqual({ type: 'a_b', data: 1 })
  })
})

describe('a stream that begins in the past', () => {
  it('asks for what was behind a number, also behind none', () => {
    for (const after of [0, 7]) {
      sockets = []
      new EventStream({
        url: () => 'ws://box/v1.0/ws?token=t',
        topics: ['customer_id:c'],
        after,
        onEvent: () => undefined,
        onState: () => undefined,
        onGap: () => undefined,
        open: (url) => sockets[sockets.push(new FakeSocket(url)) - 1]!,
        later: () => () => undefined,
      })
      expect(sockets[0]!.url).toBe(`ws://box/v1.0/ws?token=t&after=${after}`)
    }
  })
})
