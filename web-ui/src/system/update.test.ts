import { describe, expect, it, vi } from 'vitest'
import { canCancel, outcome, whenInWords, whenOf, type Update } from './update'

vi.mock('../login/session.svelte', () => ({ api: {} }))

const UPDATE: Update = {
  status: 'none',
  when: 'idle',
  url: null,
  version: '0.2.0',
  build: 7,
  reason: null,
  message: null,
  tm_update: '2026-11-23T10:00:00Z',
}

describe('updates', () => {
  it('are wanted now, when no call is up, or at a time', () => {
    expect(whenOf('now', '')).toBe('now')
    expect(whenOf('idle', '2026-11-24T03:00')).toBe('idle')
    expect(whenOf('at', '2026-11-24T03:00Z')).toBe('2026-11-24T03:00:00.000Z')
    expect(whenOf('at', '')).toBeNull()
    expect(whenInWords('idle')).toBe('as soon as no call is up')
    expect(whenInWords('2026-11-24T03:00:00Z', 'en')).toContain('Nov 24, 2026')
  })

  it('say how they stand', () => {
    expect(outcome(UPDATE).text).toBe('')
    expect(outcome({ ...UPDATE, status: 'installed' }).text).toBe(
      'Version 0.2.0 is written. The box restarts with it as soon as no call is up.',
    )
    expect(outcome({ ...UPDATE, status: 'succeeded' })).toEqual({ text: 'Version 0.2.0 runs, and has proven itself.', tone: 'good' })
    const failed = outcome({ ...UPDATE, status: 'failed', message: 'The signature is wrong.' })
    expect(failed).toEqual({ text: 'The signature is wrong.', tone: 'bad' })
  })

  it('can be given up until the box restarts', () => {
    expect(canCancel({ ...UPDATE, status: 'installed' })).toBe(true)
    expect(canCancel({ ...UPDATE, status: 'restarting' })).toBe(false)
  })
})
