// What the exchange says of calls from a browser: who one is there.
import type { Api } from '../api'

export interface OwnExtension {
  extension: string
  name: string
}

export interface WebRtc {
  /** Where the WebSocket for SIP is, below the page's own host. */
  path: string
  /** What stands behind the @. */
  domain: string
  /** The extensions of whoever is logged in. */
  extensions: OwnExtension[]
  iceServers: RTCIceServer[]
}

/** `GET /v1.0/webrtc`. */
interface Told {
  sip_path: string
  extensions: OwnExtension[]
  ice_servers: RTCIceServer[]
}

/** Reads it. */
export async function readWebRtc(api: Pick<Api, 'get'>, host: string): Promise<WebRtc> {
  const { sip_path, extensions, ice_servers } = await api.get<Told>('/v1.0/webrtc')
  const named = extensions.map(({ extension, name }) => ({ extension, name: name || extension }))
  return { path: sip_path, domain: host, extensions: named, iceServers: ice_servers }
}

/** The address of the WebSocket: encrypted as the page itself is. */
export function socketAddress(page: { protocol: string; host: string }, path: string, token: string): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}${path}?token=${encodeURIComponent(token)}`
}
