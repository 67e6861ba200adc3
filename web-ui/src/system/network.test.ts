import { describe, expect, it } from 'vitest'
import { ApiError } from '../api'
import { addressOf, draftOf, FRESH, networkOf, wrongField } from './network'

describe('the network', () => {
  it('comes back as it went', () => {
    expect(networkOf(draftOf(FRESH))).toEqual({ hostname: 'tandem', vlan: null, ipv4: { method: 'dhcp' }, ipv6: { method: 'auto' }, name_servers: [] })
    const fixed = { ...FRESH, vlan: 20, ipv4: { method: 'static' as const, addresses: ['192.0.2.9/24', '198.51.100.1/28'], gateway: '192.0.2.1' }, name_servers: ['9.9.9.9', '2620:fe::9'] }
    expect(networkOf(draftOf(fixed))).toMatchObject({ vlan: 20, ipv4: fixed.ipv4, name_servers: fixed.name_servers })
  })

  it('takes lists as people type them, and leaves nonsense to the box', () => {
    const draft = { ...draftOf(FRESH), name_servers: ' 9.9.9.9;1.1.1.1 ,8.8.8.8  ', vlan: 'twenty' }
    expect(networkOf(draft)).toMatchObject({ name_servers: ['9.9.9.9', '1.1.1.1', '8.8.8.8'], vlan: 'twenty' })
  })

  it('knows the field that is wrong', () => {
    expect(wrongField(new ApiError(400, 'INVALID_ARGUMENT', 'no', '', null, [{ field: 'ipv4.addresses', reason: 'no' }]))).toBe('ipv4.addresses')
    expect(wrongField(new ApiError(409, 'BOARD_REFUSED', 'no'))).toBe('')
    expect(wrongField(new Error('gone'))).toBe('')
  })

  it('knows where the page will be, if anybody can', () => {
    expect(addressOf(FRESH)).toBeNull()
    expect(addressOf({ ...FRESH, ipv4: { method: 'static', addresses: ['192.0.2.9/24'], gateway: null } })).toBe('192.0.2.9')
    expect(addressOf({ ...FRESH, ipv4: { method: 'off', addresses: [], gateway: null }, ipv6: { method: 'static', addresses: ['2001:db8::9/64'], gateway: null } })).toBe('[2001:db8::9]')
  })
})
