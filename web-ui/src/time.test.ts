import { describe, expect, it } from 'vitest'
import { clockDuration, day, exactTime, expiry, fineDuration, millis, roughDuration } from './time'

describe('durations', () => {
  it('count like a clock', () => {
    expect([0, 999, 7_000, 754_000, 3_723_000, -5].map(clockDuration)).toEqual(['0:00', '0:00', '0:07', '12:34', '1:02:03', '0:00'])
  })
  it('show the digits that matter', () => {
    expect([0, 123, 9_999, 34_500, 999_949, 1_250_000, 125_300_000].map(fineDuration)).toEqual([
      '0.00 ms', '0.12 ms', '10.00 ms', '34.5 ms', '999.9 ms', '1.250 s', '2:05.300',
    ])
  })
  it('are rough for silences', () => {
    expect([1_000_000, 4_240_000, 59_400_000, 65_000_000, 7_380_000_000].map(roughDuration)).toEqual(['1.0 s', '4.2 s', '59 s', '1 min 05 s', '2 h 03 min'])
  })
  it('say when a registration ends', () => {
    expect([48_000, 3_480_000, 36_000_000, 0, -1].map((left) => expiry(left, 0))).toEqual(['expires in 48 s', 'expires in 58 min', 'expires in 10 h', 'expired', 'expired'])
  })
})

describe('times', () => {
  it('are null where unset or nonsense', () => {
    expect([null, undefined, '', 'soon'].map(millis)).toEqual([null, null, null, null])
    expect(millis('2026-11-22T10:00:00.000123Z')).toBe(Date.UTC(2026, 10, 22, 10))
  })
  it('keep their microseconds', () => {
    expect(exactTime('2026-11-22T10:00:00.000123Z')).toMatch(/^\d\d:\d\d:00\.000123$/)
    expect(exactTime('2026-11-22T10:00:00Z')).toMatch(/:00\.000000$/)
    expect(exactTime('never')).toBe('never')
  })
  it('are named by day', () => {
    const now = new Date(2026, 2, 1, 0, 30).getTime()
    expect(day(now, now)).toBe('Today')
    expect(day(new Date(2026, 1, 28, 23, 59).getTime(), now)).toBe('Yesterday')
    expect(day(new Date(2025, 1, 3).getTime(), now)).toContain('2025')
  })
})
