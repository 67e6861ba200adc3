// Where phones reach the exchange, from what it says about itself and from where the page came.
import type { Extension } from './extension'

/** The SIP port where nothing else is said (RFC 3261 §19.1.2). */
const SIP_PORT = 5060

/** Host, port and transports for a phone's settings. */
export function serverOf(extension: Extension, pageHost: string): { host: string; port: number; transports: string } {
  const named = extension.domain_name ?? ''
  const match = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(named)
  const host = (match?.[1] || pageHost).replace(/^\[|\]$/g, '')
  return { host, port: match?.[2] ? Number(match[2]) : SIP_PORT, transports: 'UDP or TCP' }
}
