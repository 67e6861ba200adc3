import { afterEach, expect, it, vi } from 'vitest'
import type { Call } from './call'
import { CallStore } from './store.svelte'

/** An exchange whose answers are held back until they are let go. */
class SlowExchange {
  readonly waiting: { url: string; answer: (body: unknown, status?: number) => void }[] = []

  constructor() {
    vi.stubGlobal('fetch', (url: string) => new Promise((resolve) => this.waiting.push({ url, answer: (body, status = 200) => resolve(new Response(JSON.stringify(body), { status })) })))
  }

  /** Answers the oldest request for a page, or for the calls that are up. */
  answer(live: boolean, result: Call[], next = ''): void {
    const index = this.waiting.findIndex((one) => one.url.includes('live=true') === live)
    this.waiting.splice(index, 1)[0]!.answer({ result, next_page_token: next })
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve))
const stamp = (second: number) => `2026-11-22T10:00:0${second}.000000Z`

function call(id: string, status: Call['status'], second: number): Call {
  const address = { type: 'extension', target: '1001' }
  return {
    id, master_call_id: null, source: address, destination: address, status, direction: 'incoming', hangup_by: '', hangup_reason: '',
    tm_create: stamp(0), tm_update: stamp(second), tm_ringing: null, tm_progressing: null, tm_hangup: null,
  }
}
const hungup = (id: string, second: number) => ({ type: 'call_hungup', data: call(id, 'hangup', second), seq: 1 })

afterEach(() => vi.unstubAllGlobals())

it('an event that came while a list was on its way counts more than the list', async () => {
  const exchange = new SlowExchange()
  const store = new CallStore()
  const loading = store.load()
  store.onEvents([hungup('a', 5)])
  exchange.answer(false, [call('a', 'ringing', 1)])
  exchange.answer(true, [call('a', 'ringing', 1)])
  await loading
  expect([store.live.length, store.history.length, store.ready]).toEqual([0, 1, true])
})

it('an old call that is up is shown although the first page does not hold it', async () => {
  const exchange = new SlowExchange()
  const store = new CallStore()
  const loading = store.load()
  exchange.answer(false, [call('new', 'hangup', 1)], 'older')
  exchange.answer(true, [call('old', 'progressing', 1)])
  await loading
  expect([store.live.map((row) => row.master.id), store.hasMore]).toEqual([['old'], true])
  const more = store.more()
  expect(exchange.waiting[0]!.url).toContain('page_token=older')
  exchange.answer(false, [call('oldest', 'hangup', 1)])
  await more
  expect([store.history.length, store.hasMore]).toEqual([2, false])
})

it('an answer that was overtaken by a newer request is not taken', async () => {
  const exchange = new SlowExchange()
  const store = new CallStore()
  const [first, second] = [store.load(), store.load()]
  const [firstPage, firstLive, secondPage, secondLive] = exchange.waiting.splice(0)
  for (const one of [secondPage!, secondLive!]) one.answer({ result: [call('new', 'hangup', 2)], next_page_token: '' })
  await second
  for (const one of [firstPage!, firstLive!]) one.answer({ result: [call('stale', 'hangup', 1)], next_page_token: '' })
  await first
  expect(store.history.map((row) => row.master.id)).toEqual(['new'])
})

it('an error is shown, and gone after the next success', async () => {
  const exchange = new SlowExchange()
  const store = new CallStore()
  const failing = store.load()
  for (const one of exchange.waiting.splice(0)) one.answer({ error: { reason: 'INTERNAL', message: 'the disk is full' } }, 500)
  await failing
  expect([String((store.error as Error).message), store.busy, store.ready]).toEqual(['The disk is full.', false, false])
  const loading = store.load()
  await settled()
  exchange.answer(false, [])
  exchange.answer(true, [])
  await loading
  expect([store.error, store.ready]).toEqual([null, true])
})
