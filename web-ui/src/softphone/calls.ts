// The calls of the softphone as plain data, and what each thing that happens makes of them. Nothing in here knows SIP or a browser.

/** `incoming` rings here, `dialing` and `ringing` are on their way to somebody, `over` is shown until it is put away. */
export type Phase = 'incoming' | 'dialing' | 'ringing' | 'talking' | 'over'

/** What became of handing a call over to somebody. */
export interface Transfer {
  to: string
  state: 'asked' | 'failed'
}

export interface PhoneCall {
  id: string
  direction: 'incoming' | 'outgoing'
  number: string
  name: string
  phase: Phase
  /** We have put it on hold. */
  held: boolean
  /** The other side has. */
  holds: boolean
  muted: boolean
  /** The audio found no way for a moment, and is looking for another. */
  interrupted: boolean
  transfer: Transfer | null
  /** The call that this one was made to ask somebody about. */
  asks: string | null
  /** The keys pressed so far. */
  digits: string
  begun: number
  answered: number | null
  ended: number | null
  /** Why it ended, for people. */
  end: string
}

export interface Calls {
  all: PhoneCall[]
  /** The one that is heard, or would be. */
  current: string | null
}

export type Happening =
  | { kind: 'made'; id: string; direction: PhoneCall['direction']; number: string; name: string; asks?: string | null; at: number }
  | { kind: 'rings'; id: string }
  | { kind: 'answered'; id: string; at: number }
  | { kind: 'held'; id: string; on: boolean }
  | { kind: 'holds'; id: string; on: boolean }
  | { kind: 'muted'; id: string; on: boolean }
  | { kind: 'interrupted'; id: string; on: boolean }
  | { kind: 'pressed'; id: string; key: string }
  | { kind: 'transfer'; id: string; transfer: Transfer | null }
  | { kind: 'ended'; id: string; end: string; at: number }
  | { kind: 'chosen'; id: string }
  | { kind: 'put away'; id: string }

/** A person has two ears; beyond these a new call is told that we are busy. */
export const MOST_CALLS = 6
/** So many that are over stay in sight. */
const MOST_OVER = 2
/** So many keys are shown. */
const MOST_DIGITS = 64

export const NONE: Calls = { all: [], current: null }

export const isUp = (call: PhoneCall): boolean => call.phase !== 'over'
export const callsUp = (calls: Calls): PhoneCall[] => calls.all.filter(isUp)
export const callsRinging = (calls: Calls): PhoneCall[] => calls.all.filter((call) => call.phase === 'incoming')
export const callsTalking = (calls: Calls): PhoneCall[] => calls.all.filter((call) => call.phase === 'talking')
export const callOf = (calls: Calls, id: string | null): PhoneCall | undefined => calls.all.find((call) => call.id === id)
export const isFull = (calls: Calls): boolean => callsUp(calls).length >= MOST_CALLS

/** The calls after something happened; the same ones where it changes nothing. */
export function step(calls: Calls, happening: Happening): Calls {
  if (happening.kind === 'made') return make(calls, happening)
  const call = callOf(calls, happening.id)
  if (!call) return calls
  if (happening.kind === 'put away') return call.phase === 'over' ? settle({ ...calls, all: calls.all.filter((one) => one !== call) }) : calls
  if (happening.kind === 'chosen') return isUp(call) ? { ...calls, current: call.id } : calls
  const changed = change(call, happening)
  if (changed === call) return calls
  const all = calls.all.map((one) => (one === call ? changed : one))
  if (happening.kind === 'answered') return { all, current: call.id }
  return settle({ ...calls, all })
}

function make(calls: Calls, made: Extract<Happening, { kind: 'made' }>): Calls {
  if (callOf(calls, made.id)) return calls
  const call: PhoneCall = {
    ...{ id: made.id, direction: made.direction, number: made.number, name: made.name === made.number ? '' : made.name },
    ...{ phase: made.direction === 'incoming' ? 'incoming' : 'dialing', held: false, holds: false, muted: false, interrupted: false },
    ...{ transfer: null, asks: made.asks ?? null, digits: '', begun: made.at, answered: null, ended: null, end: '' },
  }
  const takes = call.direction === 'outgoing' || !callsUp(calls).length
  return trim({ all: [...calls.all, call], current: takes ? call.id : calls.current })
}

/** What can happen to one call; it stays as it is where that cannot be in its phase. */
function change(call: PhoneCall, happening: Happening): PhoneCall {
  if (call.phase === 'over') return call
  switch (happening.kind) {
    case 'rings':
      return call.phase === 'dialing' ? { ...call, phase: 'ringing' } : call
    case 'answered':
      return call.phase === 'talking' ? call : { ...call, phase: 'talking', answered: happening.at }
    case 'pressed':
      return { ...call, digits: (call.digits + happening.key).slice(-MOST_DIGITS) }
    case 'transfer':
      return { ...call, transfer: happening.transfer }
    case 'ended':
      return { ...call, phase: 'over', end: happening.end, ended: happening.at, transfer: null, held: false, holds: false, interrupted: false }
    case 'held':
    case 'holds':
    case 'muted':
    case 'interrupted':
      return call[happening.kind] === happening.on ? call : { ...call, [happening.kind]: happening.on }
    default:
      return call
  }
}

/** The current call is one that is up: one that talks before one that waits. */
function settle(calls: Calls): Calls {
  const now = callOf(calls, calls.current)
  if (now && isUp(now)) return trim(calls)
  const next = callsTalking(calls).find((call) => !call.held) ?? callsRinging(calls)[0] ?? callsTalking(calls)[0] ?? callsUp(calls)[0]
  return trim({ ...calls, current: next?.id ?? null })
}

/** Of those that are over the latest stay. */
function trim(calls: Calls): Calls {
  const over = calls.all.filter((call) => !isUp(call)).sort((a, b) => (b.ended ?? 0) - (a.ended ?? 0))
  const old = new Set(over.slice(MOST_OVER))
  return old.size ? { ...calls, all: calls.all.filter((call) => !old.has(call)) } : calls
}

/** Whom to hold before this call is talked to: whoever talks now. */
export function toHold(calls: Calls, besides: string | null): string[] {
  return callsTalking(calls).filter((call) => call.id !== besides && !call.held && !call.transfer).map((call) => call.id)
}

/** What is heard besides voices. */
export type Sound = 'ring' | 'knock' | 'ringback' | null

/** A ring where nobody is talked to, a knock in the ear where somebody is, the called phone's ringing where that sends no audio of its own. */
export function soundOf(calls: Calls, hears: (id: string) => boolean): Sound {
  if (callsRinging(calls).length) return callsUp(calls).some((call) => call.phase !== 'incoming' && !call.held) ? 'knock' : 'ring'
  const current = callOf(calls, calls.current)
  return current?.phase === 'ringing' && !hears(current.id) ? 'ringback' : null
}

/** The two calls that can be joined with each other, the current one last. */
export function pairOf(calls: Calls): [PhoneCall, PhoneCall] | null {
  const free = callsTalking(calls).filter((call) => !call.transfer)
  const current = free.find((call) => call.id === calls.current)
  const other = free.find((call) => call.id === current?.asks) ?? free.find((call) => call !== current)
  return current && other ? [other, current] : null
}

/** A call's state in one word, with the tone of its badge. */
export function wordOf(call: PhoneCall): { word: string; tone: string } {
  if (call.transfer?.state === 'asked') return { word: 'Handing over', tone: 'warn' }
  if (call.phase === 'incoming') return { word: 'Rings', tone: 'warn' }
  if (call.phase === 'dialing') return { word: 'Calling', tone: 'warn' }
  if (call.phase === 'ringing') return { word: 'Ringing', tone: 'warn' }
  if (call.phase === 'over') return { word: call.end, tone: 'plain' }
  if (call.interrupted) return { word: 'No audio', tone: 'bad' }
  if (call.held) return { word: 'On hold', tone: 'warn' }
  if (call.holds) return { word: 'Holds you', tone: 'warn' }
  return call.muted ? { word: 'Muted', tone: 'warn' } : { word: 'Talking', tone: 'good' }
}

/** The number that people know it by; nobody knows a room by its id. */
export function titleOf(call: PhoneCall): string {
  return call.name && call.number.startsWith('conference-') ? call.name : call.number
}

/** Who is at the other end, for sentences. */
export function whoOf(call: PhoneCall): string {
  const title = titleOf(call)
  return call.name && call.name !== title ? `${call.name}, ${call.number}` : title
}

/** What is said of the calls to those who do not see them: what differs from before, in a sentence each. */
export function tidings(before: Calls, after: Calls): string[] {
  return after.all.flatMap((call) => {
    const known = callOf(before, call.id)
    const word = wordOf(call).word
    if (!known) return call.phase === 'incoming' ? [`${whoOf(call)} is calling`] : [`Calling ${whoOf(call)}`]
    if (call.transfer?.state === 'failed' && known.transfer?.state !== 'failed') return [`${call.transfer.to} did not take the call with ${whoOf(call)}`]
    return wordOf(known).word === word ? [] : [`${whoOf(call)}: ${word}`]
  })
}
