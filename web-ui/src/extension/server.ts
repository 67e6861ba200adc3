// Where phones reach the exchange: at the host the page came from, for that one answers; the extension's domain is a name
// for digests and need not be in any DNS.

/** The SIP port where nothing else is said (RFC 3261 §19.1.2). */
const SIP_PORT = 5060

export interface Server {
  host: string
  port: number
  transports: string
  /** Nobody said which port; it is the usual one. */
  guessed: boolean
}

/** Host, port and transports for a phone's settings. */
export function serverOf(pageHost: string, port: number | null | undefined): Server {
  return { host: pageHost.replace(/^\[|\]$/g, ''), port: port || SIP_PORT, transports: 'UDP or TCP', guessed: !port }
}
