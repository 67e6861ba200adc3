// A route as the API gives it: which numbers go through which provider.

export interface RouteRecord {
  id: string
  provider_id: string
  target: string
  priority: number
  name: string
  detail: string
}

/** In the order in which they are tried: the longest prefix first, then the lowest priority. */
export function inOrder(routes: RouteRecord[]): RouteRecord[] {
  const reach = (route: RouteRecord): number => (route.target === 'all' ? 0 : route.target.length)
  return [...routes].sort((a, b) => reach(b) - reach(a) || a.target.localeCompare(b.target) || a.priority - b.priority)
}
