import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NONE, type Happening } from './calls'
import type { Registration } from './registration'
import { SipLine } from './sip'

/** The exchange's end of each WebSocket. */
class Exchange {
  static OPEN = 1
  static CONNECTING = 0
  static all: Exchange[] = []
  /** What REGISTER is answered. */
  static answer = '200 OK'
  /** Whether connections are taken. */
  static isThere = true
  readyState = 0
  asked: string[] = []
  binaryType = ''
  onopen: (() => void) | null = null
  onclose: ((event: object) => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    Exchange.all.push(this)
    setTimeout(() => (Exchange.isThere ? this.open() : this.close(false)), 5)
  }

  static get last(): Exchange {
    return Exchange.all.at(-1)!
  }

  private open(): void {
    this.readyState = 1
    this.onopen?.()
  }

  send(text: string): void {
    this.asked.push(text)
    if (text.startsWith('REGISTER') && Exchange.answer) setTimeout(() => this.say(reply(text, Exchange.answer)), 5)
  }

  say(data: string): void {
    this.onmessage?.({ data })
  }

  close(wasClean = true): void {
    this.readyState = 3
    this.onclose?.({ wasClean, code: 1006, reason: '' })
  }
}

const head = (text: string, name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1]?.trim() ?? ''

function reply(request: string, status: string): string {
  const same = ['Via', 'From', 'Call-ID', 'CSeq', 'Contact'].map((name) => `${name}: ${head(request, name)}`)
  return [`SIP/2.0 ${status}`, ...same, `To: ${head(request, 'To')};tag=box`, 'Content-Length: 0', '', ''].join('\r\n')
}

const invite = (contact: string, body: string): string =>
  [
    ...[`INVITE ${contact} SIP/2.0`, 'Via: SIP/2.0/WSS box.lan;branch=z9hG4bKbox1', 'Max-Forwards: 70', 'From: "Bob Brandt" <sip:1002@box.lan>;tag=bob'],
    ...['To: <sip:1001@box.lan>', 'Call-ID: from-the-box', 'CSeq: 1 INVITE', 'Contact: <sip:box.lan;transport=ws>', 'Content-Type: application/sdp'],
    ...[`Content-Length: ${body.length}`, '', body],
  ].join('\r\n')

describe('the line', () => {
  let seen: Registration[]
  let happened: Happening[]
  let lost: number
  let line: SipLine

  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('WebSocket', Exchange)
    vi.stubGlobal('window', { RTCPeerConnection: class {} })
    Object.assign(Exchange, { all: [], answer: '200 OK', isThere: true })
    ;[seen, happened, lost] = [[], [], 0]
    line = new SipLine({
      address: () => `wss://box.lan:8443/sip?token=${Exchange.all.length}`,
      ...{ extension: '1001', name: 'Alice', domain: 'box.lan', iceServers: [] },
      onRegistration: (one) => seen.push(one),
      onHappening: (one) => happened.push(one),
      onStream: () => undefined,
      onLost: () => (lost += 1),
      calls: () => NONE,
    })
    line.start()
  })
  afterEach(async () => {
    const gone = line.stop()
    await vi.advanceTimersByTimeAsync(5000)
    await gone
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })
  const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)
  const states = (): string => seen.map((one) => one.state).join(' ')

  it('registers by the subprotocol of RFC 7118, with the session and without a password', async () => {
    await pass(50)
    expect(states()).toMatch(/connecting registered$/)
    expect([Exchange.last.url, Exchange.last.protocol]).toEqual(['wss://box.lan:8443/sip?token=0', 'sip'])
    const [register] = Exchange.last.asked
    expect(register).toMatch(/^REGISTER sip:box\.lan SIP\/2\.0/)
    expect(head(register!, 'To')).toBe('<sip:1001@box.lan>')
    expect(register).not.toMatch(/Authorization/)
  })

  it('comes back by itself when the connection is lost, each time with the session of then', async () => {
    await pass(50)
    Exchange.isThere = false
    Exchange.last.close(false)
    expect(seen.at(-1)).toEqual({ state: 'lost', ever: true })
    await pass(40_000)
    const tries = Exchange.all.length
    expect(tries).toBeGreaterThan(2)
    expect(lost).toBe(tries)
    Exchange.isThere = true
    await pass(31_000)
    expect(seen.at(-1)).toEqual({ state: 'registered' })
    expect(Exchange.last.url).toBe(`wss://box.lan:8443/sip?token=${Exchange.all.length - 1}`)
  })

  it('says why it was refused, and asks again', async () => {
    Exchange.answer = '403 Forbidden'
    await pass(50)
    expect(seen.at(-1)).toMatchObject({ state: 'refused', why: expect.stringMatching(/does not let/) })
    Exchange.answer = '200 OK'
    await pass(5000)
    expect(seen.at(-1)).toEqual({ state: 'registered' })
  })

  it('gives a connection up that is silent after the network changed, and keeps one that answers', async () => {
    await pass(50)
    line.networkChanged()
    await pass(5000)
    expect(Exchange.all).toHaveLength(1)
    Exchange.answer = ''
    line.networkChanged()
    await pass(4000)
    expect(seen.at(-1)).toEqual({ state: 'lost', ever: true })
    Exchange.answer = '200 OK'
    await pass(3000)
    expect(Exchange.all).toHaveLength(2)
    expect(seen.at(-1)).toEqual({ state: 'registered' })
  })

  it('rings for a call, and says so when it is taken back', async () => {
    await pass(50)
    const contact = /<([^>]+)>/.exec(head(Exchange.last.asked[0]!, 'Contact'))![1]!
    Exchange.last.say(invite(contact, 'v=0\r\n'))
    expect(happened).toEqual([{ kind: 'made', id: expect.any(String), direction: 'incoming', number: '1002', name: 'Bob Brandt', asks: null, at: expect.any(Number) }])
    expect(Exchange.last.asked.some((text) => text.startsWith('SIP/2.0 180'))).toBe(true)
    const cancel = invite(contact, '').replace(/^INVITE/, 'CANCEL').replace('1 INVITE', '1 CANCEL').replace('Content-Type: application/sdp', 'Reason: SIP;cause=200;text="Call completed elsewhere"')
    Exchange.last.say(cancel)
    expect(happened.at(-1)).toMatchObject({ kind: 'ended', end: 'Answered elsewhere' })
  })

  it('declines', async () => {
    await pass(50)
    const contact = /<([^>]+)>/.exec(head(Exchange.last.asked[0]!, 'Contact'))![1]!
    Exchange.last.say(invite(contact, 'v=0\r\n'))
    line.hangup(happened[0]!.kind === 'made' ? happened[0].id : '')
    expect(Exchange.last.asked.at(-1)).toMatch(/^SIP\/2\.0 603 /)
    expect(happened.at(-1)).toMatchObject({ kind: 'ended', end: 'Declined' })
  })

  it('unregisters when it leaves', async () => {
    await pass(50)
    const gone = line.stop()
    await pass(20)
    await gone
    expect(head(Exchange.last.asked.at(-1)!, 'Expires')).toBe('0')
    expect(Exchange.last.readyState).toBe(3)
    await pass(5000)
    expect([lost, states()]).toEqual([0, expect.stringMatching(/registered$/)])
  })
})
