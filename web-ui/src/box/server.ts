// Where phones reach the exchange: at its own address where it listens at one only, else at the host the page came from,
// for that one answers; the extension's domain is a name for digests and need not be in any DNS.
import type { Box } from './box'

/** The SIP port that a SIP address need not say (RFC 3261 §19.1.2). */
const SIP_PORT = 5060

export interface Server {
  host: string
  port: number
  /** `UDP or TCP`. */
  transports: string
}

/** Host, port and transports for a phone's settings. */
export function serverOf(pageHost: string, { sip }: Box): Server {
  return {
    host: sip.address ?? pageHost.replace(/^\[|\]$/g, ''),
    port: sip.port,
    transports: sip.transports.map((one) => one.toUpperCase()).join(' or '),
  }
}

/** The address of a user at that server, as phones show and dial it. */
export function sipAddress(user: string, { host, port }: Server): string {
  return `sip:${user}@${host.includes(':') ? `[${host}]` : host}${port === SIP_PORT ? '' : `:${port}`}`
}
