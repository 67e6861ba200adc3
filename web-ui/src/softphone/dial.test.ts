import { expect, it } from 'vitest'
import { dialled, keyOf, KEYS, tonesOf } from './dial'

it('numbers are dialled without what is written for the eye', () => {
  expect(dialled(' +49 (30) 12-34/5 ')).toBe('+493012345')
  expect(dialled('tel:+49-30-1234')).toBe('+49301234')
  expect(dialled('030 / 12 34')).toBe('0301234')
  expect(dialled('1002')).toBe('1002')
  expect(dialled('*98#')).toBe('*98#')
  expect(dialled('front-desk')).toBe('front-desk')
  expect(dialled('conference-5c2a6a3e-0d52-4c6f-9f0e-3b7a1d4e8f01')).toBe('conference-5c2a6a3e-0d52-4c6f-9f0e-3b7a1d4e8f01')
})

it('what is no number is not dialled', () => {
  for (const text of ['', '   ', 'two words', 'a@b', '<sip:1@x>', '1;user=phone', 'é', '1'.repeat(33), 'tel:', '1\r\nVia: x']) expect(dialled(text), text).toBe('')
})

it('keys of the keyboard are keys of the pad where there is such a one', () => {
  expect(['0', '9', '*', '#', 'a', 'F1', 'Enter', '+', ''].map(keyOf)).toEqual(['0', '9', '*', '#', null, null, null, null, null])
})

it('each key has the two tones of Q.23', () => {
  expect(tonesOf('1')).toEqual([697, 1209])
  expect(tonesOf('5')).toEqual([770, 1336])
  expect(tonesOf('#')).toEqual([941, 1477])
  expect(tonesOf('D')).toEqual([941, 1633])
  expect(new Set(KEYS.map(([key]) => String(tonesOf(key)))).size).toBe(12)
  expect(tonesOf('x')).toBeNull()
  expect(tonesOf('')).toBeNull()
})
