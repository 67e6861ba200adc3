// A call as the API gives it (one leg each), and what it means in words.
import { millis } from '../time'
import { outcomeOf, type Outcome } from './outcome'

export interface Address {
  type: string
  target: string
  target_name?: string
  name?: string
  detail?: string
}

export type CallStatus = 'dialing' | 'ringing' | 'progressing' | 'terminating' | 'canceling' | 'hangup'

/** What the media engine counted, once the leg is closed. */
export interface Quality {
  packets_received: number
  packets_sent: number
  packets_lost: number
  gaps: number
  loss_percent: number
  jitter_ms: number
  jitter_max_ms: number
  round_trip_ms: number | null
  opinion: number | null
  remote_loss_percent: number | null
}

/** What the exchange knows beyond VoIPBIN's fields. */
export interface CallMetadata {
  codec?: string | null
  encryption?: string | null
  held?: boolean
  peer?: string | null
  sip_call_id?: string | null
  hangup_cause?: number | null
  quality?: Quality | null
}

export interface Call {
  id: string
  master_call_id: string | null
  chained_call_ids?: string[]
  recording_id?: string | null
  /** The flow that it goes through; nil: none. */
  flow_id?: string | null
  source: Address
  destination: Address
  status: CallStatus
  direction: 'incoming' | 'outgoing'
  /** Which way it is muted, seen from the exchange; empty if it is not. */
  mute_direction?: '' | 'both' | 'in' | 'out'
  hangup_by: string | null
  hangup_reason: string | null
  metadata?: CallMetadata | null
  tm_create: string
  tm_update: string | null
  tm_ringing: string | null
  tm_progressing: string | null
  tm_hangup: string | null
}

/** A whole call: the leg that came in and the legs made for it. */
export interface CallGroup {
  master: Call
  legs: Call[]
}

const NIL = '00000000-0000-0000-0000-000000000000'

/** The leg this one was made for; VoIPBIN writes "none" also as the nil UUID. */
export function masterOf(call: Call): string | null {
  return call.master_call_id && call.master_call_id !== NIL ? call.master_call_id : null
}

/** Number and, where it says more, name. */
export function party(address: Address | undefined): { number: string; name: string } {
  const number = address?.target || 'unknown'
  const name = address?.target_name || address?.name || ''
  return { number, name: name === number ? '' : name }
}

export function isLive(call: Call): boolean {
  return call.status !== 'hangup'
}

/** The state of a call in one word, with the tone of its badge. */
export function statusWord(group: CallGroup): Pick<Outcome, 'word' | 'tone'> {
  const call = group.master
  switch (call.status) {
    case 'dialing':
      return { word: 'Connecting', tone: 'warn' }
    case 'ringing':
      return { word: 'Ringing', tone: 'warn' }
    case 'progressing':
      return isHeld(group) ? { word: 'On hold', tone: 'warn' } : { word: 'Talking', tone: 'good' }
    case 'terminating':
    case 'canceling':
      return { word: 'Ending', tone: 'plain' }
    default:
      return outcomeOf(group)
  }
}

function isHeld(group: CallGroup): boolean {
  return [group.master, ...group.legs].some((leg) => isLive(leg) && leg.metadata?.held)
}

/** Milliseconds from the answer to the end, or to `now`; `null` where nobody answered. */
export function talkTime(call: Call, now: number): number | null {
  const from = millis(call.tm_progressing)
  return from === null ? null : Math.max(0, (millis(call.tm_hangup) ?? now) - from)
}

/** Milliseconds from the start to the answer, or to the end, or to `now`. */
export function ringTime(call: Call, now: number): number {
  const from = millis(call.tm_create) ?? now
  return Math.max(0, (millis(call.tm_progressing) ?? millis(call.tm_hangup) ?? now) - from)
}

/** Who ended the call and why, in a sentence; empty while it is up. */
export function endSentence(group: CallGroup): string {
  return isLive(group.master) ? '' : outcomeOf(group).sentence
}

/** The codec of a leg without its clock rate where that is the usual one: `PCMU`, `opus 48 kHz`. */
export function codecName(call: Call): string {
  const codec = call.metadata?.codec
  if (!codec) return ''
  const [name = '', rate] = codec.split('/')
  return !rate || rate === '8000' ? name : `${name} ${Number(rate) / 1000} kHz`
}

/** The codecs of a call, `PCMU` or `PCMU ↔ PCMA`. */
export function groupCodec(group: CallGroup): string {
  const own = codecName(group.master)
  const other = group.legs.map(codecName).find((name) => name !== '')
  if (!own || !other || own === other) return own || other || ''
  return `${own} ↔ ${other}`
}
