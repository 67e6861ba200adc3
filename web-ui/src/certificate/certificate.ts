// The certificate by which the box is known, as the API tells of it.
import type { Acme } from './acme'

export interface Certificate {
  origin: 'off' | 'own' | 'given' | 'acme'
  names: string[]
  issuer: string
  fingerprint: string
  authority_fingerprint?: string
  tm_begin: string | null
  tm_end: string | null
  acme?: Acme | null
}

const DAY_MS = 86_400_000
/** A certificate that somebody has to renew is spoken of so many days before it ends. */
const SOON_DAYS = 30

/** What there is to say of it: whose it is, or how it ends. */
export function statusWord({ origin }: Certificate, end: number | null, now: number): { word: string; tone: string } {
  if (origin === 'off') return { word: 'Not encrypted', tone: '' }
  const days = end === null ? Infinity : Math.floor((end - now) / DAY_MS)
  if (days < 0) return { word: 'Expired', tone: 'bad' }
  // The box renews its own.
  if (origin === 'given' && days < SOON_DAYS) return { word: days === 1 ? 'Ends in a day' : `Ends in ${days} days`, tone: 'warn' }
  const words = { own: "The box's own", given: 'Given', acme: 'By ACME' }
  return { word: words[origin], tone: 'good' }
}

/** `AB:CD:…`, as browsers show it. */
export function fingerprint(hex: string): string {
  return (hex.match(/../g) ?? []).join(':').toUpperCase()
}
