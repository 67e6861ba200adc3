// The softphone of the page: one for all its pages, so that a call goes on while somebody looks elsewhere.
import { explain } from '../api'
import { api, me, session } from '../login/session.svelte'
import { callOf, callsRinging, callsUp, isFull, NONE, pairOf, soundOf, step, tidings, toHold, whoOf, type Calls, type Happening, type PhoneCall } from './calls'
import { Devices, sendTo } from './devices.svelte'
import { dialled } from './dial'
import { lackOf, type Lack } from './lack'
import { closeStream, NoMicrophone, openMicrophone } from './microphone'
import { Bell } from './bell'
import { makeRoom, tidyRoom } from './room'
import type { Registration } from './registration'
import type { SipLine } from './sip'
import { Sounds } from './sounds'
import { readWebRtc, socketAddress, type WebRtc } from './webrtc'

/** What is heard of a call, what is said into it, and what it sounds from. */
interface Audible {
  said: MediaStream | undefined
  heard: MediaStream | undefined
  element: HTMLAudioElement | undefined
}

/** Failures before the exchange was ever heard, after which the certificate is suspected. */
const SUSPICIOUS = 2

class Softphone {
  registration = $state.raw<Registration>({ state: 'off' })
  calls = $state.raw<Calls>(NONE)
  /** What keeps it from being a phone. */
  lack = $state.raw<Lack | null>(null)
  /** Why the latest wish could not be met. */
  problem = $state('')
  /** What happened last, for those who do not see it. */
  news = $state('')
  webrtc = $state.raw<WebRtc | null>(null)
  /** The extension that it is. */
  extension = $state('')
  readonly devices = new Devices()
  readonly sounds = new Sounds((kind) => this.devices.output(kind))
  readonly #bell = new Bell((id) => void this.answer(id))
  #audible = $state.raw<ReadonlyMap<string, Audible>>(new Map())
  #line: SipLine | null = null
  #starting = 0
  #failures = 0
  #quiet: (() => void)[] = []
  /** Rooms made for a conference, by the call that we are in it with. */
  readonly #rooms = new Map<string, string>()
  /** What is still to be done in the name of whoever is logged in. */
  readonly #chores = new Set<Promise<void>>()

  get isOn(): boolean {
    return this.registration.state !== 'off'
  }

  get isReady(): boolean {
    return this.registration.state === 'registered'
  }

  get current(): PhoneCall | undefined {
    return callOf(this.calls, this.calls.current)
  }

  get pair(): [PhoneCall, PhoneCall] | null {
    return pairOf(this.calls)
  }

  /** What is heard of a call, and what is said into it; for meters. */
  streams(id: string): { heard: MediaStream | undefined; said: MediaStream | undefined } {
    const { heard, said } = this.#audible.get(id) ?? { heard: undefined, said: undefined }
    return { heard, said }
  }

  connection(id: string): RTCPeerConnection | null {
    return this.#line?.connection(id) ?? null
  }

  /** Registers; says what lacks where it cannot. */
  async start(extension = ''): Promise<void> {
    const mine = ++this.#starting
    this.problem = ''
    this.lack = lackOf(surroundings())
    if (this.lack) return
    this.registration = { state: 'connecting' }
    try {
      const webrtc = await readWebRtc(api, location.hostname)
      if (mine !== this.#starting) return
      this.webrtc = webrtc
      const own = webrtc.extensions.find((one) => one.extension === extension) ?? webrtc.extensions[0]
      if (!own) return this.#stay({ what: 'extension' })
      const { SipLine } = await import('./sip')
      if (mine !== this.#starting) return
      this.extension = own.extension
      this.#open(new SipLine({ ...this.#wires(webrtc), extension: own.extension, name: own.name }))
    } catch (error) {
      if (mine === this.#starting) this.#stay(null, explain(error))
    }
  }

  /** Hangs up, unregisters and leaves. */
  async stop(): Promise<void> {
    this.#starting += 1
    const line = this.#line
    this.#line = null
    this.#quiet.forEach((end) => end())
    this.#quiet = []
    await line?.stop()
    await Promise.all(this.#chores)
    if (this.#line) return
    for (const id of this.#audible.keys()) this.#silence(id)
    this.calls = NONE
    this.sounds.close()
    this.#bell.close()
    this.registration = { state: 'off' }
  }

  /** Calls a number; whoever talks is put on hold. */
  async call(text: string, { name = '', asks = null as string | null } = {}): Promise<boolean> {
    const number = dialled(text)
    this.problem = ''
    if (!number) return this.#refuse('That is no number.')
    if (!this.#line || this.registration.state === 'lost') return this.#refuse('The phone is not connected.')
    if (isFull(this.calls)) return this.#refuse('There are too many calls already.')
    this.sounds.context
    const [said] = await Promise.all([this.#microphone(), this.#holdOthers(null)])
    if (!said || !this.#line) return false
    this.#next = said
    this.#line.call(number, said, { name, asks })
    return true
  }

  async answer(id: string): Promise<void> {
    this.problem = ''
    this.sounds.context
    const [said] = await Promise.all([this.#microphone(), this.#holdOthers(id)])
    if (!said) return
    if (callOf(this.calls, id)?.phase !== 'incoming') return closeStream(said)
    this.#hear(id, { said })
    this.#line?.answer(id, said)
  }

  hangup(id: string): void {
    this.#line?.hangup(id)
  }

  /** Talks to this one, and to nobody else. */
  async take(id: string): Promise<void> {
    await this.#holdOthers(id)
    this.#happen({ kind: 'chosen', id })
    if (callOf(this.calls, id)?.held) await this.#hold(id, false)
  }

  async hold(id: string): Promise<void> {
    await this.#hold(id, true)
  }

  mute(id: string, on: boolean): void {
    this.#line?.mute(id, on)
  }

  /** A key of the pad: heard here, and in the current call where it is meant for that. */
  press(key: string, isForCall: boolean): void {
    this.sounds.key(key)
    if (isForCall && this.current) this.#line?.press(this.current.id, key)
  }

  /** Hands a call over to whoever is at this number. */
  transfer(id: string, text: string): boolean {
    const number = dialled(text)
    if (!number) return this.#refuse('That is no number.')
    this.#line?.transfer(id, number)
    return true
  }

  /** Asks somebody first, and hands over by [`join`]. */
  ask(id: string, text: string): Promise<boolean> {
    return this.call(text, { asks: id })
  }

  /** Joins the two that talk to us with each other, and leaves them. */
  join(): void {
    if (this.pair) this.#line?.join(this.pair[0].id, this.pair[1].id)
  }

  /** Moves the two that talk to us, and us, into a room: into that one, or into a new one. */
  async confer(room?: string): Promise<void> {
    const pair = this.pair
    if (!pair) return
    try {
      const made = room ?? (await makeRoom(api, this.extension))
      const before = new Set(this.calls.all.map((call) => call.id))
      if (!(await this.call(`conference-${made}`, { name: 'Conference' }))) return
      const mine = this.calls.all.find((call) => !before.has(call.id))
      if (mine && !room) this.#rooms.set(mine.id, made)
      for (const call of pair) this.#line?.transfer(call.id, `conference-${made}`, 'the conference')
    } catch (error) {
      this.#refuse(explain(error))
    }
  }

  putAway(id: string): void {
    this.#happen({ kind: 'put away', id })
  }

  /** Takes other devices into use, also in calls that are up. */
  async route(part: Parameters<Devices['choose']>[0]): Promise<void> {
    this.devices.choose(part)
    this.sounds.route()
    for (const { element } of this.#audible.values()) if (element) void sendTo(element, this.devices.output('speaker'))
    if (!('microphone' in part || 'clean' in part)) return
    for (const call of callsUp(this.calls)) {
      const before = this.#audible.get(call.id)?.said
      if (!before) continue
      const said = await this.#microphone()
      const track = said?.getAudioTracks()[0]
      if (!said || !track) return
      await this.#line?.replaceTrack(call.id, track)
      closeStream(before)
      this.#hear(call.id, { said })
    }
  }

  /** Looks once more whether the microphone is allowed. */
  async tryMicrophone(): Promise<void> {
    closeStream(await this.#microphone())
    await this.devices.read()
  }

  /** What an outgoing call, whose id is not known yet, says. */
  #next: MediaStream | undefined

  #open(line: SipLine): void {
    this.#line = line
    const changed = (): void => line.networkChanged()
    const wake = (): void => void this.sounds.context
    const leave = (): void => void this.stop()
    const warn = (event: BeforeUnloadEvent): void => {
      if (callsUp(this.calls).length) event.preventDefault()
    }
    const tuned = [['online', changed], ['pagehide', leave], ['beforeunload', warn], ['pointerdown', wake], ['keydown', wake]] as const
    for (const [event, handler] of tuned) addEventListener(event, handler as EventListener)
    this.#quiet = [this.devices.follow(), () => tuned.forEach(([event, handler]) => removeEventListener(event, handler as EventListener))]
    line.start()
  }

  #wires(webrtc: WebRtc) {
    return {
      address: () => socketAddress(location, webrtc.path, session.token ?? ''),
      domain: webrtc.domain,
      iceServers: webrtc.iceServers,
      calls: () => this.calls,
      onRegistration: (registration: Registration) => this.#registered(registration),
      onHappening: (happening: Happening) => this.#happen(happening),
      onStream: (id: string, heard: MediaStream) => this.#listen(id, heard),
      // The socket does not say why it was refused; if it was the token, this request ends the session.
      onLost: () => void me().catch(() => undefined),
    }
  }

  #registered(registration: Registration): void {
    if (!this.#line) return
    this.registration = registration
    if (registration.state === 'registered' || registration.state === 'refused') this.#failures = 0
    if (registration.state === 'lost' && !registration.ever) this.#failures += 1
    const suspected = this.#failures >= SUSPICIOUS && location.protocol === 'https:'
    if (suspected) this.lack = { what: 'certificate' }
    else if (this.lack?.what === 'certificate') this.lack = null
  }

  #happen(happening: Happening): void {
    const before = this.calls
    this.calls = step(before, happening)
    if (happening.kind === 'made' && happening.direction === 'outgoing' && this.#next) {
      this.#hear(happening.id, { said: this.#next })
      this.#next = undefined
    }
    if (happening.kind === 'answered') void this.#holdOthers(happening.id)
    if (happening.kind === 'transfer' && happening.transfer?.state === 'failed') this.#refuse(`${happening.transfer.to} did not take the call.`)
    if (happening.kind === 'ended') {
      this.#silence(happening.id)
      this.#leaveRoom(happening.id)
    }
    const told = tidings(before, this.calls)
    if (told.length) this.news = told.join('. ')
    this.sounds.play(soundOf(this.calls, (id) => this.#audible.get(id)?.heard !== undefined))
    this.#bell.show(callsRinging(this.calls).map((call) => ({ id: call.id, who: whoOf(call) })))
  }

  /** A room that was made for this call goes with it, where nobody is left in it. */
  #leaveRoom(id: string): void {
    const room = this.#rooms.get(id)
    if (!room) return
    this.#rooms.delete(id)
    const token = session.token
    const chore = tidyRoom(api, room, () => session.token === token).finally(() => this.#chores.delete(chore))
    this.#chores.add(chore)
  }

  async #microphone(): Promise<MediaStream | undefined> {
    try {
      const said = await openMicrophone({ id: this.devices.choice.microphone, clean: this.devices.choice.clean })
      if (this.lack?.what === 'microphone') this.lack = null
      if (!this.devices.microphones.some((one) => one.label)) void this.devices.read()
      return said
    } catch (error) {
      const denied = error instanceof NoMicrophone && error.denied
      this.lack = { what: 'microphone', denied }
      return undefined
    }
  }

  async #holdOthers(besides: string | null): Promise<void> {
    await Promise.all(toHold(this.calls, besides).map((id) => this.#hold(id, true)))
  }

  async #hold(id: string, on: boolean): Promise<void> {
    if (!(await this.#line?.hold(id, on))) this.#refuse(on ? 'The call could not be put on hold.' : 'The call could not be taken up.')
  }

  #listen(id: string, heard: MediaStream): void {
    const element = this.#audible.get(id)?.element ?? new Audio()
    element.srcObject = heard
    void sendTo(element, this.devices.output('speaker'))
    void element.play().catch(() => undefined)
    this.#hear(id, { heard, element })
    this.sounds.play(soundOf(this.calls, (one) => this.#audible.get(one)?.heard !== undefined))
  }

  #hear(id: string, part: Partial<Audible>): void {
    const before = this.#audible.get(id) ?? { said: undefined, heard: undefined, element: undefined }
    this.#audible = new Map(this.#audible).set(id, { ...before, ...part })
  }

  #silence(id: string): void {
    const audible = this.#audible.get(id)
    if (!audible) return
    closeStream(audible.said)
    if (audible.element) audible.element.srcObject = null
    const left = new Map(this.#audible)
    left.delete(id)
    this.#audible = left
  }

  #stay(lack: Lack | null, problem = ''): void {
    this.lack = lack
    this.problem = problem
    this.registration = { state: 'off' }
  }

  #refuse(problem: string): false {
    this.problem = problem
    return false
  }
}

function surroundings() {
  return {
    isSecure: window.isSecureContext,
    hasMicrophoneApi: navigator.mediaDevices !== undefined,
    hasPeerConnection: 'RTCPeerConnection' in window,
    https: null,
  }
}

/** The phone of this page. */
export const phone = new Softphone()
