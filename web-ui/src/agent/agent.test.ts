import { expect, test } from 'vitest'
import { mergeAddresses, reaches, readAddresses, writeAddresses } from './agent'

test('addresses are typed one a line', () => {
  const read = readAddresses(' 1001\n\n+4930123456\nada@example.org ')
  expect(read.map((address) => address.type)).toEqual(['extension', 'tel', 'sip'])
  expect(writeAddresses(read)).toBe('1001\n+4930123456\nada@example.org')
})

test('what is known of an address stays', () => {
  const known = [{ type: 'tel', target: '110', name: 'police' }]
  expect(mergeAddresses(known, readAddresses('1001\n110'))).toEqual([{ type: 'extension', target: '1001' }, known[0]])
})

test('each permission reaches those before it, and none reaches nothing', () => {
  expect([reaches('admin', 'manager'), reaches('manager', 'manager'), reaches('agent', 'manager'), reaches('', 'agent')]).toEqual([true, true, false, false])
})
