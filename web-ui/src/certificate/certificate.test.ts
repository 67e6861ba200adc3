import { describe, expect, it } from 'vitest'
import { fingerprint, statusWord, type Certificate } from './certificate'

const GIVEN: Certificate = { origin: 'given', names: ['pbx.example.com'], issuer: 'CN=X', fingerprint: 'abcd01', tm_begin: null, tm_end: null }
const DAY = 86_400_000

describe('a certificate', () => {
  it('is spoken of before it ends', () => {
    expect(statusWord(GIVEN, 40 * DAY, 0)).toEqual({ word: 'Given', tone: 'good' })
    expect(statusWord(GIVEN, 20 * DAY, 0)).toEqual({ word: 'Ends in 20 days', tone: 'warn' })
    expect(statusWord(GIVEN, DAY, 0).word).toBe('Ends in a day')
    expect(statusWord(GIVEN, 0, DAY).tone).toBe('bad')
  })
  it('of the box renews itself', () => {
    expect(statusWord({ ...GIVEN, origin: 'own' }, 20 * DAY, 0).tone).toBe('good')
    expect(statusWord({ ...GIVEN, origin: 'off' }, null, 0).word).toBe('Not encrypted')
  })
  it('shows its fingerprint as browsers do', () => {
    expect(fingerprint('abcd01')).toBe('AB:CD:01')
    expect(fingerprint('')).toBe('')
  })
})
