// Where one is, read from and written to the address after `#`.

export type Route =
  | { page: 'calls' }
  | { page: 'phone' }
  | { page: 'call'; id: string }
  | { page: 'conferences' }
  | { page: 'extensions' }
  | { page: 'recordings' }
  | { page: 'numbers' }
  | { page: 'flows' }
  | { page: 'flow'; id: string }
  | { page: 'providers' }
  | { page: 'routes' }
  | { page: 'trunks' }
  | { page: 'agents' }
  | { page: 'tags' }
  | { page: 'accesskeys' }
  | { page: 'billing' }
  | { page: 'webhooks' }
  | { page: 'events' }
  | { page: 'customer' }
  | { page: 'system' }
  | { page: 'trust' }
  | { page: 'unknown'; path: string }

/** The pages without an id. */
const LISTS = ['phone', 'conferences', 'extensions', 'recordings', 'numbers', 'flows', 'providers', 'routes', 'trunks', 'agents', 'tags', 'accesskeys', 'billing', 'webhooks', 'events', 'customer', 'system', 'trust'] as const

/** Reads `#/calls/<id>`. */
export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#/, '').replace(/^\//, '').replace(/\/$/, '')
  const [noun = '', id, ...rest] = path.split('/')
  if (rest.length === 0) {
    if (noun === '' || (noun === 'calls' && id === undefined)) return { page: 'calls' }
    if (noun === 'calls' && id) return { page: 'call', id: decode(id) }
    if (noun === 'flows' && id) return { page: 'flow', id: decode(id) }
    const list = LISTS.find((page) => page === noun)
    if (list && id === undefined) return { page: list }
  }
  return { page: 'unknown', path }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The address of a flow's page. */
export function flowHref(id: string): string {
  return `#/flows/${encodeURIComponent(id)}`
}

/** The address of a call's page. */
export function callHref(id: string): string {
  return `#/calls/${encodeURIComponent(id)}`
}
