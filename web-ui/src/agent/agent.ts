// An agent as the API gives it: a person who uses the page, or is rung.
import type { Address } from '../call/call'

export type Permission = 'agent' | 'manager' | 'admin'
export type AgentStatus = 'available' | 'away' | 'busy' | 'offline' | 'ringing'

export interface Agent {
  id: string
  username: string
  name: string
  detail: string
  ring_method: 'ring_all' | 'linear'
  status: AgentStatus
  permission: Permission
  tag_ids: string[]
  addresses: Address[]
}

/** What each permission is called, and what it is good for. */
export const PERMISSIONS: Record<Permission, { word: string; may: string }> = {
  agent: { word: 'Agent', may: 'Sees everything but keys and settings, and changes only what is its own.' },
  manager: { word: 'Manager', may: 'Changes extensions, numbers, flows, and agents.' },
  admin: { word: 'Administrator', may: 'May everything.' },
}

export const STATUSES: Record<AgentStatus, { word: string; tone: string }> = {
  available: { word: 'Available', tone: 'good' },
  away: { word: 'Away', tone: 'warn' },
  busy: { word: 'Busy', tone: 'warn' },
  offline: { word: 'Offline', tone: '' },
  ringing: { word: 'Ringing', tone: 'warn' },
}

/** Whether somebody with the first permission may do what the second is needed for. */
export function reaches(permission: string, needed: Permission): boolean {
  const order = ['agent', 'manager', 'admin']
  return order.indexOf(permission) >= order.indexOf(needed)
}

/** Addresses as they are typed: one a line, `1001`, `+4930123456` or `ada@example.org`. */
export function readAddresses(text: string): Address[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '').map((target) => ({ type: typeOf(target), target }))
}

function typeOf(target: string): string {
  if (target.includes('@')) return 'sip'
  return target.startsWith('+') ? 'tel' : 'extension'
}

export function writeAddresses(addresses: Address[]): string {
  return addresses.map((address) => address.target).join('\n')
}

/** Keeps what is known of the addresses that stay as they are, such as their names and types. */
export function mergeAddresses(known: Address[], typed: Address[]): Address[] {
  return typed.map((address) => known.find((one) => one.target === address.target) ?? address)
}
