import { expect, it } from 'vitest'
import { byNumber, filterExtensions, generatePassword, problems, type Extension } from './extension'

const extension = (number: string, more: Partial<Extension> = {}): Extension => ({ id: number, extension: number, name: '', detail: '', tm_create: '', tm_update: null, ...more })

it('passwords are long, fair and plain', () => {
  const made = new Set(Array.from({ length: 50 }, () => generatePassword()))
  expect(made.size).toBe(50)
  for (const password of made) expect(password).toMatch(/^[a-km-zA-HJ-NP-Z2-9]{20}$/)
  let call = 0
  const bytes = [new Uint8Array(20).fill(255), new Uint8Array(20).fill(0)]
  expect(generatePassword(20, () => bytes[call++]!)).toBe('a'.repeat(20))
})

it('drafts are checked before the box is asked', () => {
  const draft = { extension: '1001', name: '', detail: '', password: 'long enough', encryption: '' as const }
  expect(problems(draft, true)).toEqual({})
  expect(Object.keys(problems({ ...draft, extension: '10 01', password: 'short' }, true))).toEqual(['extension', 'password'])
  expect(problems({ ...draft, password: '' }, false)).toEqual({})
  expect(Object.keys(problems({ ...draft, password: 'x' }, false))).toEqual(['password'])
})

it('extensions sort as numbers and are found by what they show', () => {
  const all = [extension('100'), extension('99', { name: 'Bob' }), extension('sales', { registrations: [{ contact: '', address: '192.0.2.9:5060', transport: 'udp', user_agent: 'Snom', behind_nat: false, tm_expire: '' }] })]
  expect([...all].sort(byNumber).map((one) => one.extension)).toEqual(['99', '100', 'sales'])
  expect(['bob', 'snom', '192.0.2.9', '', 'zz'].map((text) => filterExtensions(all, text).length)).toEqual([1, 1, 1, 3, 0])
})
