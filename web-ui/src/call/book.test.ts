import { describe, expect, it } from 'vitest'
import { apply, BOOK_LIMIT, byDay, filterGroups, groups, merge, type Book } from './book'
import { endSentence, groupCodec, ringTime, statusWord, talkTime, type Call } from './call'

const NONE: Book = new Map()
const at = (second: number) => `2026-11-22T10:00:${String(second).padStart(2, '0')}.000001Z`

function call(id: string, more: Partial<Call> = {}): Call {
  return {
    id, master_call_id: null, source: { type: 'extension', target: '1001', target_name: 'Alice' }, destination: { type: 'extension', target: '1002' },
    status: 'dialing', direction: 'incoming', hangup_by: null, hangup_reason: null, tm_create: at(0), tm_update: at(0), tm_ringing: null, tm_progressing: null, tm_hangup: null, ...more,
  }
}
const event = (type: string, data: unknown, seq = 1) => ({ type, data, seq })

describe('the book', () => {
  it('follows a call through its events', () => {
    let book = apply(NONE, [event('call_created', call('a'))])
    book = apply(book, [event('call_ringing', call('a', { status: 'ringing', tm_update: at(1) })), event('extension_updated', { id: 'e' })])
    expect(book.get('a')?.status).toBe('ringing')
    book = apply(book, [event('call_hungup', call('a', { status: 'hangup', tm_update: at(2) }))])
    expect([book.size, book.get('a')?.status]).toEqual([1, 'hangup'])
    expect(apply(book, [event('call_deleted', call('a'))]).size).toBe(0)
  })
  it('does not go back', () => {
    const book = apply(NONE, [event('call_answered', call('a', { status: 'progressing', tm_update: '2026-11-22T10:00:00.000900Z' }))])
    expect(merge(book, [call('a', { status: 'ringing', tm_update: '2026-11-22T10:00:00.000100Z' })]).get('a')?.status).toBe('progressing')
    const ended = merge(book, [call('a', { status: 'hangup', tm_update: at(5) })])
    expect(apply(ended, [event('call_updated', call('a', { status: 'progressing', tm_update: at(9) }))]).get('a')?.status).toBe('hangup')
  })
  it('ignores events without a call', () => {
    expect(apply(NONE, [event('call_recording', call('a'))]).size).toBe(0)
    expect(apply(NONE, [event('call_created', null), event('call_created', { id: 7 }), event('call_created', 'x')]).size).toBe(0)
  })
  it('forgets the oldest finished calls first, and never one that is up', () => {
    const many = Array.from({ length: BOOK_LIMIT + 10 }, (_, n) => call(`c${n}`, { status: n === 0 ? 'progressing' : 'hangup', tm_create: new Date(n * 1000).toISOString() }))
    const book = merge(NONE, many)
    expect([book.size, book.has('c0'), book.has('c10'), book.has('c11')]).toEqual([BOOK_LIMIT, true, false, true])
  })
})

describe('rows', () => {
  const legs = [call('m', { tm_create: at(0) }), call('l2', { master_call_id: 'm', tm_create: at(2) }), call('l1', { master_call_id: 'm', tm_create: at(1) }), call('n', { tm_create: at(5) })]
  it('nest legs under their master, newest call first', () => {
    const rows = groups(merge(NONE, legs), true)
    expect(rows.map((row) => [row.master.id, row.legs.map((leg) => leg.id)])).toEqual([['n', []], ['m', ['l1', 'l2']]])
  })
  it('keep back a leg whose master may come with an older page', () => {
    const book = merge(NONE, [call('l', { master_call_id: 'far', status: 'hangup' })])
    expect([groups(book, false).length, groups(book, true).length]).toEqual([0, 1])
  })
  it('take the nil id for no master', () => {
    expect(groups(merge(NONE, [call('a', { master_call_id: '00000000-0000-0000-0000-000000000000' })]), false).length).toBe(1)
  })
  it('are found by number and name', () => {
    const rows = groups(merge(NONE, legs), true)
    expect(['', '1002', ' ALI ', '99'].map((text) => filterGroups(rows, text).length)).toEqual([2, 2, 2, 0])
  })
  it('stand under their day', () => {
    const rows = groups(merge(NONE, [call('a', { tm_create: new Date(2026, 4, 2, 9).toISOString() }), call('b', { tm_create: new Date(2026, 4, 1, 9).toISOString() })]), true)
    expect(byDay(rows, new Date(2026, 4, 2, 12).getTime()).map((one) => one.day)).toEqual(['Today', 'Yesterday'])
  })
})

describe('words', () => {
  const up = { tm_progressing: at(3), tm_hangup: at(9), status: 'hangup' as const }
  it('say who hung up', () => {
    expect(endSentence({ master: call('a', { ...up, hangup_by: 'remote' }), legs: [] })).toBe('1001 hung up')
    expect(endSentence({ master: call('a', { ...up, hangup_by: 'local' }), legs: [call('b', { ...up, direction: 'outgoing', hangup_by: 'remote' })] })).toBe('1002 hung up')
    expect(endSentence({ master: call('a', { ...up, hangup_by: 'local', hangup_reason: 'timeout' }), legs: [] })).toBe('Tandem hung up: time limit reached')
    expect(endSentence({ master: call('a', { ...up, hangup_by: 'local', hangup_reason: 'normal' }), legs: [] })).toBe('Tandem hung up')
    expect(endSentence({ master: call('a'), legs: [] })).toBe('')
  })
  it('say why nobody talked', () => {
    const over = { status: 'hangup' as const, tm_hangup: at(9), hangup_by: 'local', hangup_reason: 'normal' }
    const told = (master: Partial<Call>, ...legs: Partial<Call>[]) => {
      const group = { master: call('a', { ...over, ...master }), legs: legs.map((leg) => call('b', { ...over, direction: 'outgoing', master_call_id: 'a', ...leg })) }
      return [statusWord(group).word, endSentence(group)]
    }
    const cause = (hangup_cause: number) => ({ metadata: { hangup_cause } })
    expect(told({}, { hangup_by: 'remote', hangup_reason: 'busy' })).toEqual(['Busy', '1002 was busy'])
    expect(told({ hangup_by: 'remote' }, { hangup_reason: 'cancel' })).toEqual(['Cancelled', '1001 gave up before an answer'])
    expect(told(cause(1))).toEqual(['Unknown', 'There is no 1002'])
    expect(told(cause(20))).toEqual(['Offline', '1002 has no phone registered'])
    expect(told(cause(19), { hangup_reason: 'cancel' })).toEqual(['No answer', '1002 did not answer'])
    expect(told({ ...cause(58), hangup_reason: 'failed' })).toEqual(['Failed', 'No codec in common'])
    expect(told({ hangup_reason: 'failed' })).toEqual(['Failed', 'The call to 1002 failed'])
    expect(told(cause(16), cause(16))).toEqual(['Cancelled', 'Ended before an answer'])
    expect(told({ direction: 'outgoing', hangup_by: 'remote', hangup_reason: 'busy' })[0]).toBe('Busy')
    expect(told({ direction: 'outgoing', hangup_by: 'local', ...cause(26) })[0]).toBe('Elsewhere')
  })
  it('count ringing and talking', () => {
    const now = Date.parse(at(30))
    expect([talkTime(call('a'), now), ringTime(call('a'), now)]).toEqual([null, 30_000])
    expect([talkTime(call('a', up), now), ringTime(call('a', up), now)]).toEqual([6000, 3000])
  })
  it('name codecs', () => {
    const group = { master: call('a', { metadata: { codec: 'PCMU/8000' } }), legs: [call('b', { metadata: { codec: 'opus/48000' } })] }
    expect(groupCodec(group)).toBe('PCMU ↔ opus 48 kHz')
    expect(groupCodec({ ...group, legs: [] })).toBe('PCMU')
    expect(statusWord({ master: call('a', { status: 'progressing' }), legs: [call('b', { status: 'progressing', metadata: { held: true } })] }).word).toBe('On hold')
  })
})
