// The pages, in the order of the navigation, and who sees them.
import type { Permission } from '../agent/agent'
import type { Route } from '../router'

export interface PageEntry {
  href: string
  name: string
  /** The routes that belong to it. */
  routes: Route['page'][]
  /** Who sees it. */
  needs: Permission
}

/** What is used every day. */
export const DAILY: PageEntry[] = [
  { href: '#/calls', name: 'Calls', routes: ['calls', 'call'], needs: 'agent' },
  { href: '#/phone', name: 'Phone', routes: ['phone'], needs: 'agent' },
  { href: '#/conferences', name: 'Conferences', routes: ['conferences'], needs: 'agent' },
  { href: '#/recordings', name: 'Recordings', routes: ['recordings'], needs: 'agent' },
  { href: '#/extensions', name: 'Extensions', routes: ['extensions'], needs: 'agent' },
  { href: '#/numbers', name: 'Numbers', routes: ['numbers'], needs: 'agent' },
  { href: '#/flows', name: 'Flows', routes: ['flows', 'flow'], needs: 'agent' },
]

/** What is set once. */
export const ADMINISTRATION: PageEntry[] = [
  { href: '#/providers', name: 'Providers', routes: ['providers'], needs: 'manager' },
  { href: '#/routes', name: 'Routes', routes: ['routes'], needs: 'manager' },
  { href: '#/trunks', name: 'Trunks', routes: ['trunks'], needs: 'manager' },
  { href: '#/agents', name: 'Users', routes: ['agents'], needs: 'agent' },
  { href: '#/tags', name: 'Tags', routes: ['tags'], needs: 'agent' },
  { href: '#/accesskeys', name: 'Access keys', routes: ['accesskeys'], needs: 'manager' },
  { href: '#/billing', name: 'Billing', routes: ['billing'], needs: 'manager' },
  { href: '#/webhooks', name: 'Delivery', routes: ['webhooks'], needs: 'manager' },
  { href: '#/events', name: 'Events', routes: ['events'], needs: 'manager' },
  { href: '#/customer', name: 'Settings', routes: ['customer'], needs: 'manager' },
  { href: '#/system', name: 'System', routes: ['system'], needs: 'admin' },
]
