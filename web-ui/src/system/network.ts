// The network of the box, as the API has it, and what people type of it.
import { ApiError } from '../api'

export interface Ipv4 {
  method: 'dhcp' | 'static' | 'off'
  addresses: string[]
  gateway: string | null
}

export interface Ipv6 {
  method: 'auto' | 'static' | 'off'
  addresses: string[]
  gateway: string | null
}

export interface Network {
  hostname: string
  vlan: number | null
  ipv4: Ipv4
  ipv6: Ipv6
  name_servers: string[]
}

export interface NetworkState {
  settings: Network
  interface: string
  hardware_address: string | null
  addresses: string[]
  mdns_name: string | null
  trial: { seconds_left: number; settings: Network } | null
}

/** As people type it: lists with commas or spaces. */
export interface Draft {
  hostname: string
  vlan: string
  ipv4: Ipv4['method']
  ipv4_addresses: string
  ipv4_gateway: string
  ipv6: Ipv6['method']
  ipv6_addresses: string
  ipv6_gateway: string
  name_servers: string
}

/** A box as it comes out of the carton. */
export const FRESH: Network = {
  hostname: 'tandem',
  vlan: null,
  ipv4: { method: 'dhcp', addresses: [], gateway: null },
  ipv6: { method: 'auto', addresses: [], gateway: null },
  name_servers: [],
}

export function draftOf(network: Network): Draft {
  return {
    hostname: network.hostname,
    vlan: network.vlan === null ? '' : String(network.vlan),
    ipv4: network.ipv4.method,
    ipv4_addresses: network.ipv4.addresses.join(', '),
    ipv4_gateway: network.ipv4.gateway ?? '',
    ipv6: network.ipv6.method,
    ipv6_addresses: network.ipv6.addresses.join(', '),
    ipv6_gateway: network.ipv6.gateway ?? '',
    name_servers: network.name_servers.join(', '),
  }
}

/** What is sent. A VLAN that is no number goes as it was typed, so that the box says what is wrong with it. */
export function networkOf(draft: Draft): unknown {
  const vlan = draft.vlan.trim()
  const part = (method: string, addresses: string, gateway: string) =>
    method === 'static' ? { method, addresses: list(addresses), gateway: gateway.trim() || null } : { method }
  return {
    hostname: draft.hostname.trim(),
    vlan: vlan === '' ? null : /^\d+$/.test(vlan) ? Number(vlan) : vlan,
    ipv4: part(draft.ipv4, draft.ipv4_addresses, draft.ipv4_gateway),
    ipv6: part(draft.ipv6, draft.ipv6_addresses, draft.ipv6_gateway),
    name_servers: list(draft.name_servers),
  }
}

function list(text: string): string[] {
  return text.split(/[\s,;]+/).filter((part) => part !== '')
}

/** Which field the box finds wrong, by its name in the API; empty where it is none. */
export function wrongField(error: unknown): string {
  if (!(error instanceof ApiError) || !Array.isArray(error.details)) return ''
  const first: unknown = error.details[0]
  const field = typeof first === 'object' && first !== null && 'field' in first ? first.field : ''
  return typeof field === 'string' ? field : ''
}

/** Where the page may be found under these settings: the first fixed address, or none where it is not known before. */
export function addressOf(network: Network): string | null {
  const bare = (address: string | undefined) => address?.split('/')[0] ?? ''
  if (network.ipv4.method === 'static') return bare(network.ipv4.addresses[0]) || null
  if (network.ipv4.method === 'off' && network.ipv6.method === 'static') {
    const address = bare(network.ipv6.addresses[0])
    return address ? `[${address}]` : null
  }
  return null
}
