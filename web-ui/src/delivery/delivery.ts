// What a web server was told of an event, as the API gives it, and what it means in words.

export type DeliveryStatus = 'waiting' | 'delivered' | 'failed'

/** One time that a web server was told. */
export interface Try {
  tm: string
  /** What it answered; 0 where it did not. */
  status_code: number
  reason: string
  duration_ms: number
}

export interface Delivery {
  id: string
  activeflow_id: string
  event_id: number
  event_type: string
  webhook_uri: string
  webhook_method: string
  status: DeliveryStatus
  tries: Try[]
  tm_next_try: string | null
  tm_create: string
}

/** What the list can be narrowed to. */
export const CHOICES: [DeliveryStatus | '', string][] = [
  ['', 'All'],
  ['failed', 'Failed'],
  ['waiting', 'Waiting'],
  ['delivered', 'Delivered'],
]

/** The state in a word, and its colour. */
export function statusWord(status: DeliveryStatus): { word: string; tone: string } {
  switch (status) {
    case 'waiting':
      return { word: 'Waiting', tone: 'warn' }
    case 'delivered':
      return { word: 'Delivered', tone: 'good' }
    case 'failed':
      return { word: 'Failed', tone: 'bad' }
  }
}

/** What came of one try: what went wrong, or what the server answered. */
export function outcome(once: Try): string {
  return once.reason || `The server answers ${once.status_code}`
}

/** A URL that is fit to be seen over somebody's shoulder: without who asks, and without what comes behind the question mark. */
export function place(uri: string): string {
  try {
    const { protocol, host, pathname, search } = new URL(uri)
    return `${protocol}//${host}${pathname}${search ? '?…' : ''}`
  } catch {
    return uri
  }
}
