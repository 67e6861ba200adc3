import { expect, it } from 'vitest'
import { endWords, refusalWords, type End } from './ends'
import { lackOf, lackWords } from './lack'
import { refusalPause, registrationWord } from './registration'

const end = (part: Partial<End>): string => endWords({ incoming: false, answered: false, by: 'remote', status: 0, cause: '', reason: '', ...part })

it('an end has words', () => {
  expect(end({ status: 486 })).toBe('Busy')
  expect(end({ status: 404 })).toBe('No such number')
  expect(end({ status: 599 })).toBe('Failed (599)')
  expect(end({})).toBe('Failed')
  expect(end({ by: 'local', cause: 'Canceled' })).toBe('Cancelled')
  expect(end({ answered: true })).toBe('Hung up')
  expect(end({ answered: true, by: 'local' })).toBe('You hung up')
  expect(end({ answered: true, by: 'system', cause: 'RTP Timeout' })).toBe('The audio found no way')
  expect(end({ by: 'local', cause: 'User Denied Media Access' })).toBe('No microphone')
})

it('a call that came and was not answered was missed, declined, or answered elsewhere', () => {
  expect(end({ incoming: true, cause: 'Canceled' })).toBe('Missed')
  expect(end({ incoming: true, by: 'local', cause: 'Rejected' })).toBe('Declined')
  expect(end({ incoming: true, cause: 'Canceled', reason: 'SIP;cause=200;text="Call completed elsewhere"' })).toBe('Answered elsewhere')
})

it('a refusal has words, and is tried again ever more seldom', () => {
  expect(refusalWords(403, 'Forbidden')).toMatch(/does not let/)
  expect(refusalWords(423, 'Interval Too Brief')).toBe('The exchange said 423 Interval Too Brief.')
  expect([1, 2, 3, 4, 5, 50].map(refusalPause)).toEqual([4, 8, 16, 32, 64, 64])
  expect(registrationWord({ state: 'refused', why: '' }).tone).toBe('bad')
})

it('what lacks is named, the worst first', () => {
  const fine = { isSecure: true, hasMicrophoneApi: true, hasPeerConnection: true, https: null }
  expect(lackOf(fine)).toBeNull()
  expect(lackOf({ ...fine, isSecure: false, hasMicrophoneApi: false, https: 'https://box/' })).toEqual({ what: 'insecure', https: 'https://box/' })
  expect(lackOf({ ...fine, hasPeerConnection: false })).toEqual({ what: 'browser' })
  expect(lackWords({ what: 'microphone', denied: true }).title).not.toBe(lackWords({ what: 'microphone', denied: false }).title)
})
