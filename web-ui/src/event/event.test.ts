import { describe, expect, it } from 'vitest'
import { about, fits, lineOf } from './event'

describe('an event', () => {
  it('says between whom a call is', () => {
    const call = { source: { target: '1001' }, destination: { target: '1002' }, status: 'hangup', hangup_reason: 'busy' }
    expect(about(call)).toBe('1001 → 1002 · busy')
    expect(about({ ...call, source: {}, hangup_reason: '' })).toBe('– → 1002 · hangup')
  })
  it('says what anything else is called', () => {
    expect(about({ id: 'x', name: 'Sales' })).toBe('Sales')
    expect(about({ id: 'x', name: '', status: 'ended' })).toBe('x · ended')
    expect(about(null)).toBe('')
  })
  it('is found by whatever stands in it', () => {
    const line = lineOf({ type: 'tag_created', data: { name: 'Sales', tm_create: 'T' }, seq: 3 })
    expect(line).toMatchObject({ seq: 3, type: 'tag_created', at: 'T', about: 'Sales' })
    expect(fits(line, ' sales ') && fits(line, 'TAG_') && !fits(line, 'call')).toBe(true)
  })
})
