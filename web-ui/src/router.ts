// Where one is, read from and written to the address after `#`.

export type Route =
  | { page: 'calls' }
  | { page: 'call'; id: string }
  | { page: 'conferences' }
  | { page: 'extensions' }
  | { page: 'recordings' }
  | { page: 'unknown'; path: string }

/** Reads `#/calls/<id>`. */
export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#/, '').replace(/^\//, '').replace(/\/$/, '')
  const [noun = '', id, ...rest] = path.split('/')
  if (rest.length === 0) {
    if (noun === '' || (noun === 'calls' && id === undefined)) return { page: 'calls' }
    if (noun === 'calls' && id) return { page: 'call', id: decode(id) }
    if (noun === 'conferences' && id === undefined) return { page: 'conferences' }
    if (noun === 'extensions' && id === undefined) return { page: 'extensions' }
    if (noun === 'recordings' && id === undefined) return { page: 'recordings' }
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

/** The address of a call's page. */
export function callHref(id: string): string {
  return `#/calls/${encodeURIComponent(id)}`
}
