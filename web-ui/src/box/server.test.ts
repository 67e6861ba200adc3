import { expect, it } from 'vitest'
import type { Box } from './box'
import { serverOf, sipAddress } from './server'

const box = (port: number, address: string | null = null): Box => ({ version: '1', domain_name: 'tandem', sip: { address, port, transports: ['udp', 'tcp'] } })

it('the server is where the page came from, unless the box listens elsewhere only', () => {
  expect(serverOf('box.lan', box(5060))).toEqual({ host: 'box.lan', port: 5060, transports: 'UDP or TCP' })
  expect(serverOf('[::1]', box(5080))).toMatchObject({ host: '::1', port: 5080 })
  expect(serverOf('box.lan', box(5060, '192.0.2.1'))).toMatchObject({ host: '192.0.2.1' })
})

it('an address names the port where it is not the usual one', () => {
  expect(sipAddress('1001', serverOf('box.lan', box(5060)))).toBe('sip:1001@box.lan')
  expect(sipAddress('1001', serverOf('[2001:db8::1]', box(5080)))).toBe('sip:1001@[2001:db8::1]:5080')
})
