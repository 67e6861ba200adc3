import { describe, expect, it } from 'vitest'
import { timeZones, weakness } from './claim'

describe('taking hold of the box', () => {
  it('offers the time zone where one is', () => {
    const { names, here } = timeZones()
    expect(names).toContain(here)
    expect(names).toContain('Europe/Berlin')
    expect(new Set(names).size).toBe(names.length)
  })

  it('wants a password that is long enough, twice', () => {
    expect(weakness('short', 'short')).toMatch(/8 characters/)
    expect(weakness('long enough', 'long enoug')).toMatch(/not the same/)
    expect(weakness('long enough', 'long enough')).toBe('')
  })
})
