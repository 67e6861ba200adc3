// The WebSocket that SIP goes over (RFC 7118), as JsSIP wants one. Ours asks for its address anew at each try, because the session's token is in it, and can be
// dropped when the network changed and a dead connection would be noticed minutes later.

/** The part of JsSIP's socket that it calls, and that calls it. */
export class SipSocket {
  readonly url: string
  readonly sip_uri: string
  via_transport: string
  onconnect: () => void = () => undefined
  ondisconnect: (error: boolean, code?: number, reason?: string) => void = () => undefined
  ondata: (data: string | ArrayBuffer) => void = () => undefined
  readonly #address: () => string
  readonly #onLife: () => void
  #socket: WebSocket | null = null

  /** `onLife` is told of whatever comes. */
  constructor(address: () => string, onLife: () => void) {
    this.#onLife = onLife
    const { protocol, host } = new URL(address())
    this.#address = address
    this.url = `${protocol}//${host}/`
    this.sip_uri = `sip:${host};transport=ws`
    this.via_transport = protocol === 'wss:' ? 'WSS' : 'WS'
  }

  connect(): void {
    if (this.isConnected() || this.isConnecting()) return
    this.#forget()
    let socket: WebSocket
    try {
      socket = new WebSocket(this.#address(), 'sip')
    } catch {
      setTimeout(() => this.ondisconnect(true), 0)
      return
    }
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => this.onconnect()
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      this.#onLife()
      this.ondata(event.data)
    }
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#socket = null
      this.ondisconnect(!event.wasClean, event.code, event.reason)
    }
  }

  disconnect(): void {
    this.#forget()
  }

  /** Gives a connection up that may be dead; JsSIP then makes another. */
  drop(): void {
    if (!this.#socket) return
    this.#forget()
    this.ondisconnect(true)
  }

  send(message: string): boolean {
    if (!this.isConnected()) return false
    this.#socket?.send(message)
    return true
  }

  isConnected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  isConnecting(): boolean {
    return this.#socket?.readyState === WebSocket.CONNECTING
  }

  #forget(): void {
    const socket = this.#socket
    this.#socket = null
    if (!socket) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
  }
}
