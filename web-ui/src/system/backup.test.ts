import { describe, expect, it } from 'vitest'
import { fileName, headerOf, wrongPassphrase } from './backup'

describe('a backup', () => {
  it('wants a passphrase that is long enough, twice', () => {
    expect(wrongPassphrase('short', 'short')).toContain('12')
    expect(wrongPassphrase('long enough it is', 'long enough it was')).toContain('differ')
    expect(wrongPassphrase('long enough it is', 'long enough it is')).toBe('')
  })
  it('sends the passphrase as UTF-8', () => {
    expect(headerOf('stäple')).toBe('c3TDpHBsZQ==')
  })
  it('is named by the day and the time', () => {
    expect(fileName(new Date(2026, 10, 3, 4, 5))).toBe('tandem-20261103-0405.backup')
  })
})
