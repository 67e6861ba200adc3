// SIP over a WebSocket with JsSIP: what the softphone orders in, what happens out. It is loaded when the phone is switched on.
import JsSIP from 'jssip'
import { isFull, NONE, type Calls, type Happening } from './calls'
import { endWords, refusalWords } from './ends'
import { refusalPause, type Registration } from './registration'
import { SipSocket } from './socket'

export interface LineOptions {
  /** The address of the WebSocket, with whatever it asks for. */
  address: () => string
  extension: string
  name: string
  /** What stands behind the @. */
  domain: string
  iceServers: RTCIceServer[]
  onRegistration: (registration: Registration) => void
  onHappening: (happening: Happening) => void
  /** What is heard of a call. */
  onStream: (id: string, stream: MediaStream) => void
  /** The connection was refused or lost; the session may have ended. */
  onLost: () => void
  calls: () => Calls
}

/** As much of JsSIP's session as is used here. */
interface Session {
  id: string
  connection: RTCPeerConnection | null
  remote_identity: { uri: { user: string }; display_name?: string }
  _request: { call_id: string }
  _from_tag: string
  _to_tag: string
  direction: 'incoming' | 'outgoing'
  on: (event: string, handler: (data: Data) => void) => void
  answer: (options: object) => void
  terminate: (options?: object) => void
  hold: (options?: object, done?: () => void) => boolean
  unhold: (options?: object, done?: () => void) => boolean
  mute: (options: object) => void
  unmute: (options: object) => void
  sendDTMF: (tones: string, options: object) => void
  refer: (target: string, options: object) => unknown
  renegotiate: (options: object) => boolean
  isEnded: () => boolean
  isEstablished: () => boolean
  isReadyToReOffer: () => boolean
}

/** As much of the data of its events. */
interface Data {
  originator?: 'local' | 'remote' | 'system'
  cause?: string
  message?: { status_code?: number; getHeader?: (name: string) => string | undefined } | null
  response?: { status_code?: number; reason_phrase?: string } | null
  status_line?: { status_code: number; reason_phrase: string }
  session?: Session
  peerconnection?: RTCPeerConnection
  ready?: () => void
}

/** A key sounds so long, and then there is silence so long, in milliseconds (RTCDTMFSender allows 40 to 6,000 and 30 and more). */
const KEY_MS = 120
const KEY_GAP_MS = 80
/** How long a connection is believed in after the network changed. */
const DOUBT_MS = 4000
/** How long the audio may be away before another way is looked for, and how often. */
const INTERRUPTED_MS = 1000
const RESTART_MS = 4000
/** How long leaving may take. */
const LEAVE_MS = 1500
const EXPIRES_SECONDS = 600

export class SipLine {
  readonly #options: LineOptions
  readonly #socket: SipSocket
  readonly #agent: InstanceType<typeof JsSIP.UA>
  readonly #sessions = new Map<string, Session>()
  readonly #endings = new Map<string, string>()
  /** Calls that look for another way for their audio as soon as the exchange has answered: an offer along a dead connection would end them. */
  readonly #seeking = new Set<string>()
  #asks: string | null = null
  #named = ''
  #connected = false
  #ever = false
  #refusals = 0
  /** Whether we have gone; what JsSIP tidies up afterwards concerns nobody. */
  #left = false
  #retry: ReturnType<typeof setTimeout> | undefined
  #doubt: ReturnType<typeof setTimeout> | undefined

  constructor(options: LineOptions) {
    this.#options = options
    this.#socket = new SipSocket(options.address, () => this.#hear())
    this.#agent = new JsSIP.UA({
      sockets: [this.#socket as never],
      uri: this.#uri(options.extension),
      display_name: options.name || options.extension,
      user_agent: 'Tandem softphone',
      register: true,
      register_expires: EXPIRES_SECONDS,
      // The exchange refreshes; a refresh of ours in a moment without a connection would end the call.
      session_timers: false,
      no_answer_timeout: 180,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 30,
    })
    this.#listen()
  }

  start(): void {
    this.#options.onRegistration({ state: 'connecting' })
    this.#agent.start()
  }

  /** Hangs up, unregisters, and closes; waits no longer than a person does. */
  async stop(): Promise<void> {
    clearTimeout(this.#retry)
    this.#believe()
    const gone = new Promise<void>((resolve) => {
      this.#on('unregistered', () => resolve())
      setTimeout(resolve, this.#connected ? LEAVE_MS : 0)
    })
    this.#agent.stop()
    this.#left = true
    await gone
    this.#socket.disconnect()
  }

  /** Calls, and says by which id it goes. */
  call(number: string, stream: MediaStream, { name = '', asks = null as string | null } = {}): void {
    this.#asks = asks
    this.#named = name
    this.#agent.call(this.#uri(number), { ...this.#media(stream) } as never)
  }

  answer(id: string, stream: MediaStream): void {
    this.#sessions.get(id)?.answer(this.#media(stream))
  }

  /** Ends a call that is up, takes back one that rings there, declines one that rings here. */
  hangup(id: string): void {
    const session = this.#sessions.get(id)
    if (!session || session.isEnded()) return
    try {
      session.terminate(session.direction === 'incoming' && !session.isEstablished() ? { status_code: 603, reason_phrase: 'Decline' } : {})
    } catch {
      // It ended by itself in between.
    }
  }

  /** Puts on hold or takes up again; whether that could be asked for. */
  hold(id: string, on: boolean): Promise<boolean> {
    const session = this.#sessions.get(id)
    return new Promise((resolve) => {
      if (!session || !this.#connected) return resolve(false)
      const done = (): void => resolve(true)
      const asked = on ? session.hold({}, done) : session.unhold({}, done)
      if (!asked) resolve(false)
    })
  }

  mute(id: string, on: boolean): void {
    const session = this.#sessions.get(id)
    if (on) session?.mute({ audio: true })
    else session?.unmute({ audio: true })
  }

  /** A key, by RFC 4733 where that was agreed on, else by INFO. */
  press(id: string, key: string): void {
    const session = this.#sessions.get(id)
    const sender = session?.connection?.getSenders().find((one) => one.track?.kind === 'audio')?.dtmf
    if (sender?.canInsertDTMF) sender.insertDTMF(sender.toneBuffer + key, KEY_MS, KEY_GAP_MS)
    else if (session && this.#connected) session.sendDTMF(key, { duration: KEY_MS, interToneGap: KEY_GAP_MS, transportType: 'INFO' })
    this.#options.onHappening({ kind: 'pressed', id, key })
  }

  /** Hands a call over to a number. */
  transfer(id: string, number: string, name = number): void {
    this.#refer(id, number, name, undefined)
  }

  /** Joins the other ends of two calls with each other, and leaves. */
  join(id: string, other: string): void {
    const session = this.#sessions.get(other)
    if (!session) return
    // The tags as the exchange sees them (RFC 3891 §3): JsSIP's `from` is whoever began the call.
    const [ours, theirs] = session.direction === 'outgoing' ? [session._from_tag, session._to_tag] : [session._to_tag, session._from_tag]
    const replaces = { _request: { call_id: session._request.call_id }, _from_tag: ours, _to_tag: theirs }
    const number = decodeURIComponent(session.remote_identity.uri.user)
    this.#refer(id, number, number, replaces, other)
  }

  /** Sends another microphone's track into a call from now on. */
  async replaceTrack(id: string, track: MediaStreamTrack): Promise<void> {
    const sender = this.connection(id)?.getSenders().find((one) => one.track?.kind === 'audio')
    if (!sender) return
    track.enabled = sender.track?.enabled ?? true
    await sender.replaceTrack(track)
  }

  connection(id: string): RTCPeerConnection | null {
    return this.#sessions.get(id)?.connection ?? null
  }

  /** The network is another one: asks whether the exchange is still there, and looks for new ways for the audio. */
  networkChanged(): void {
    for (const id of this.#sessions.keys()) this.#seeking.add(id)
    if (this.#connected) this.#ask()
    else (this.#agent as unknown as { transport: { connect: () => void } }).transport.connect()
  }

  /** Asks the exchange for a word; a connection that brings none is given up. */
  #ask(): void {
    this.#doubt ??= setTimeout(() => {
      this.#doubt = undefined
      this.#socket.drop()
    }, DOUBT_MS)
    this.#agent.register()
  }

  /** Whatever comes is a sign of life, and the answer that was asked for. */
  #hear(): void {
    const asked = this.#doubt !== undefined
    this.#believe()
    if (asked) setTimeout(() => this.#seek(), 0)
  }

  #believe(): void {
    clearTimeout(this.#doubt)
    this.#doubt = undefined
  }

  #uri(user: string): string {
    return `sip:${encodeURIComponent(user).replaceAll('%2B', '+')}@${this.#options.domain}`
  }

  #on(event: string, handler: (data: Data) => void): void {
    ;(this.#agent as unknown as { on: Session['on'] }).on(event, handler)
  }

  #listen(): void {
    this.#on('connecting', () => this.#options.onRegistration({ state: 'connecting' }))
    this.#on('connected', () => {
      this.#connected = true
      this.#ever = true
    })
    this.#on('disconnected', () => {
      this.#connected = false
      this.#believe()
      clearTimeout(this.#retry)
      if (this.#left) return
      this.#options.onRegistration({ state: 'lost', ever: this.#ever })
      this.#options.onLost()
    })
    this.#on('registered', () => {
      this.#refusals = 0
      this.#options.onRegistration({ state: 'registered' })
      this.#seek()
    })
    this.#on('registrationFailed', ({ response }) => this.#refused(response?.status_code ?? 0, response?.reason_phrase ?? ''))
    this.#on('newRTCSession', (data) => data.session && this.#take(data.session, data.originator === 'remote'))
  }

  #refused(status: number, phrase: string): void {
    if (!this.#connected) return
    this.#refusals += 1
    this.#options.onRegistration({ state: 'refused', why: refusalWords(status, phrase) })
    this.#retry = setTimeout(() => this.#connected && this.#agent.register(), 1000 * refusalPause(this.#refusals))
  }

  #media(stream: MediaStream): object {
    const pcConfig: RTCConfiguration = { iceServers: this.#options.iceServers, bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' }
    return { mediaStream: stream, mediaConstraints: { audio: true, video: false }, pcConfig }
  }

  #take(session: Session, incoming: boolean): void {
    const { id } = session
    if (incoming && isFull(this.#options.calls() ?? NONE)) return session.terminate({ status_code: 486, reason_phrase: 'Busy Here' })
    this.#sessions.set(id, session)
    const tell = this.#options.onHappening
    const who = session.remote_identity
    const number = safely(who.uri.user)
    const name = incoming ? (who.display_name ?? '') : this.#named
    tell({ kind: 'made', id, direction: incoming ? 'incoming' : 'outgoing', number, name, asks: incoming ? null : this.#asks, at: Date.now() })
    if (session.connection) this.#watch(id, session.connection)
    session.on('peerconnection', ({ peerconnection }) => peerconnection && this.#watch(id, peerconnection))
    // The exchange is reached at its own address, so the first candidate is enough; it learns ours from the checks.
    session.on('icecandidate', ({ ready }) => ready?.())
    session.on('progress', () => !incoming && tell({ kind: 'rings', id }))
    session.on('accepted', () => tell({ kind: 'answered', id, at: Date.now() }))
    session.on('hold', ({ originator }) => tell({ kind: originator === 'local' ? 'held' : 'holds', id, on: true }))
    session.on('unhold', ({ originator }) => tell({ kind: originator === 'local' ? 'held' : 'holds', id, on: false }))
    session.on('muted', () => tell({ kind: 'muted', id, on: true }))
    session.on('unmuted', () => tell({ kind: 'muted', id, on: false }))
    session.on('ended', (data) => this.#end(id, incoming, true, data))
    session.on('failed', (data) => this.#end(id, incoming, false, data))
  }

  #end(id: string, incoming: boolean, answered: boolean, { originator, cause, message }: Data): void {
    this.#sessions.delete(id)
    const reason = message?.getHeader?.('Reason') ?? ''
    const words = endWords({ incoming, answered, by: originator ?? 'system', status: message?.status_code ?? 0, cause: cause ?? '', reason })
    this.#options.onHappening({ kind: 'ended', id, end: this.#endings.get(id) ?? words, at: Date.now() })
    this.#endings.delete(id)
  }

  #watch(id: string, connection: RTCPeerConnection): void {
    connection.addEventListener('track', ({ track, streams }) => this.#options.onStream(id, streams[0] ?? new MediaStream([track])))
    connection.addEventListener('iceconnectionstatechange', () => {
      const lost = connection.iceConnectionState === 'disconnected'
      this.#options.onHappening({ kind: 'interrupted', id, on: lost })
      if (lost) setTimeout(() => this.#restart(id), INTERRUPTED_MS)
    })
  }

  /** Another way is looked for; again and again until the audio is back, the call over, or the browser has given it up. */
  #restart(id: string): void {
    const session = this.#sessions.get(id)
    const connection = session?.connection
    if (!session?.isEstablished() || !connection) return
    this.#seeking.add(id)
    if (this.#connected) this.#ask()
    setTimeout(() => connection.iceConnectionState === 'disconnected' && this.#restart(id), RESTART_MS)
  }

  /** The exchange has answered: ICE begins anew where another way is looked for. */
  #seek(): void {
    if (!this.#agent.isRegistered()) return
    for (const id of this.#seeking) {
      const session = this.#sessions.get(id)
      const isUp = session?.isEstablished() ?? false
      if (isUp && !session?.isReadyToReOffer()) continue
      this.#seeking.delete(id)
      if (isUp) session?.renegotiate({ rtcOfferConstraints: { iceRestart: true } })
    }
  }

  #refer(id: string, number: string, name: string, replaces: object | undefined, besides?: string): void {
    const session = this.#sessions.get(id)
    const tell = this.#options.onHappening
    if (!session || !this.#connected) return
    const both = besides ? [id, besides] : [id]
    const failed = (): void => {
      both.forEach((one) => this.#endings.delete(one))
      tell({ kind: 'transfer', id, transfer: { to: name, state: 'failed' } })
    }
    const accepted = (): void => both.forEach((one) => this.hangup(one))
    // The exchange may hang up before it says that it is done.
    both.forEach((one) => this.#endings.set(one, besides ? 'Joined' : `Handed over to ${name}`))
    tell({ kind: 'transfer', id, transfer: { to: name, state: 'asked' } })
    const asked = session.refer(this.#uri(number), { ...(replaces ? { replaces } : {}), eventHandlers: { requestFailed: failed, failed, accepted } })
    if (!asked) failed()
  }
}

/** What stands in a SIP address for signs that it may not hold. */
function safely(user: string): string {
  try {
    return decodeURIComponent(user)
  } catch {
    return user
  }
}
