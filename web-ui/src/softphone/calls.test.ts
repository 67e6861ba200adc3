import { describe, expect, it } from 'vitest'
import { callOf, callsUp, isFull, MOST_CALLS, NONE, pairOf, soundOf, step, tidings, toHold, wordOf, type Calls, type Happening } from './calls'

const after = (...happenings: Happening[]): Calls => happenings.reduce(step, NONE)
const comes = (id: string, number = '1002'): Happening => ({ kind: 'made', id, direction: 'incoming', number, name: '', at: 1 })
const goes = (id: string, number = '1003', asks: string | null = null): Happening => ({ kind: 'made', id, direction: 'outgoing', number, name: '', asks, at: 1 })
const answered = (id: string): Happening => ({ kind: 'answered', id, at: 5 })
const held = (id: string, on = true): Happening => ({ kind: 'held', id, on })
const ended = (id: string, at = 9): Happening => ({ kind: 'ended', id, end: 'Busy', at })
const deaf = (): boolean => false

describe('one call', () => {
  it('is dialled, rings, is answered and ends', () => {
    const words = [goes('a'), { kind: 'rings', id: 'a' } as const, answered('a'), { kind: 'muted', id: 'a', on: true } as const, held('a'), ended('a')]
    const seen = words.map((_, count) => wordOf(callOf(after(...words.slice(0, count + 1)), 'a')!).word)
    expect(seen).toEqual(['Calling', 'Ringing', 'Talking', 'Muted', 'On hold', 'Busy'])
  })
  it('does not ring once it talks, and nothing happens to it once it is over', () => {
    const talking = after(goes('a'), answered('a'))
    expect(step(talking, { kind: 'rings', id: 'a' })).toBe(talking)
    expect(step(talking, answered('a'))).toBe(talking)
    const over = step(talking, ended('a'))
    for (const late of [held('a'), answered('a'), ended('a', 11), { kind: 'pressed', id: 'a', key: '1' } as const]) expect(step(over, late)).toEqual(over)
    expect(over.current).toBeNull()
  })
  it('is unknown to what happens to another', () => expect(step(after(goes('a')), ended('b'))).toEqual(after(goes('a'))))
  it('is not made twice', () => expect(after(comes('a'), comes('a')).all).toHaveLength(1))
  it('does not repeat a number as a name', () => expect(after({ kind: 'made', id: 'a', direction: 'incoming', number: '1002', name: '1002', at: 1 }).all[0]!.name).toBe(''))
})

describe('several calls', () => {
  it('a second one that comes does not take the place of the first', () => {
    const calls = after(goes('a'), answered('a'), comes('b'))
    expect(calls.current).toBe('a')
    expect(step(calls, answered('b')).current).toBe('b')
  })
  it('whoever talks is held before another is talked to', () => {
    const calls = after(goes('a'), answered('a'), comes('b'))
    expect(toHold(calls, 'b')).toEqual(['a'])
    expect(toHold(step(calls, held('a')), 'b')).toEqual([])
    expect(toHold(calls, 'a')).toEqual([])
  })
  it('the one that is left becomes the current one, one that talks before one that is held', () => {
    const calls = after(goes('a'), answered('a'), held('a'), goes('b'), answered('b'), goes('c'), answered('c'))
    expect(step(calls, ended('c')).current).toBe('b')
    expect(step(step(calls, ended('c')), ended('b')).current).toBe('a')
  })
  it('two that talk can be joined, the one asked about first', () => {
    const calls = after(goes('x'), answered('x'), held('x'), goes('a'), answered('a'), held('a'), goes('b', '1004', 'a'))
    expect(pairOf(calls)).toBeNull()
    expect(pairOf(step(calls, answered('b')))?.map((call) => call.id)).toEqual(['a', 'b'])
    expect(pairOf(after(goes('a'), answered('a')))).toBeNull()
  })
  it('is full at some point', () => {
    const many = Array.from({ length: MOST_CALLS }, (_, index) => comes(`${index}`))
    expect(isFull(after(...many))).toBe(true)
    expect(isFull(after(...many, ended('0')))).toBe(false)
  })
  it('of those that are over two stay in sight, the latest', () => {
    const calls = after(goes('a'), ended('a', 1), goes('b'), ended('b', 2), goes('c'), ended('c', 3), goes('d'))
    expect(calls.all.map((call) => call.id)).toEqual(['b', 'c', 'd'])
    expect(callsUp(calls).map((call) => call.id)).toEqual(['d'])
    expect(step(calls, { kind: 'put away', id: 'b' }).all).toHaveLength(2)
    expect(step(calls, { kind: 'put away', id: 'd' })).toEqual(calls)
  })
})

describe('sounds', () => {
  it('rings where nobody is talked to and knocks where somebody is', () => {
    expect(soundOf(after(comes('a')), deaf)).toBe('ring')
    expect(soundOf(after(comes('a'), answered('a'), comes('b')), deaf)).toBe('knock')
    expect(soundOf(after(comes('a'), answered('a'), held('a'), comes('b')), deaf)).toBe('ring')
    expect(soundOf(after(comes('a'), ended('a')), deaf)).toBeNull()
  })
  it('makes the ringing of the called phone, unless that is heard', () => {
    const ringing = after(goes('a'), { kind: 'rings', id: 'a' })
    expect(soundOf(after(goes('a')), deaf)).toBeNull()
    expect(soundOf(ringing, deaf)).toBe('ringback')
    expect(soundOf(ringing, () => true)).toBeNull()
  })
})

describe('tidings', () => {
  const tell = (...happenings: Happening[]): string[] => tidings(after(...happenings.slice(0, -1)), after(...happenings))
  it('say what is new, and nothing else', () => {
    expect(tell(comes('a'))).toEqual(['1002 is calling'])
    expect(tell(goes('a'))).toEqual(['Calling 1003'])
    expect(tell(goes('a'), answered('a'))).toEqual(['1003: Talking'])
    expect(tell(goes('a'), answered('a'), { kind: 'pressed', id: 'a', key: '5' })).toEqual([])
    expect(tell(goes('a'), answered('a'), { kind: 'transfer', id: 'a', transfer: { to: '1004', state: 'failed' } })).toEqual(['1004 did not take the call with 1003'])
  })
})
