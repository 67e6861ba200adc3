import { describe, expect, it } from 'vitest'
import { follow, matches, type Line } from './logs'

const LINE: Line = { number: 1, tm: '2026-11-23T10:00:00Z', level: 'warn', target: 'daemon::cloud', text: 'The cloud does not answer' }

describe('the log', () => {
  it('shows what matters enough and holds the text', () => {
    expect(matches(LINE, 'warn', ' cloud ')).toBe(true)
    expect(matches(LINE, 'error', '')).toBe(false)
    expect(matches(LINE, 'trace', 'disk')).toBe(false)
  })
  it('keeps the newest lines only', () => {
    const many = Array.from({ length: 2_100 }, (_, at) => ({ ...LINE, number: at }))
    expect(follow([LINE], many)).toHaveLength(2_000)
    const same = [LINE]
    expect(follow(same, [])).toBe(same)
  })
})
