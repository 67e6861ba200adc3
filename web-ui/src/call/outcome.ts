// How a finished call came out: in a word for its badge, and in a sentence that says who or what ended it.
import { millis } from '../time'
import type { Call, CallGroup } from './call'

export type Tone = 'good' | 'warn' | 'bad' | 'plain'

export interface Outcome {
  word: string
  tone: Tone
  sentence: string
}

/** What follows within this time was brought about. */
const SOON_MS = 1500

type Describe = (to: string) => Outcome

const told = (word: string, tone: Tone, sentence: (to: string) => string): Describe => (to) => ({ word, tone, sentence: sentence(to) })

const BUSY = told('Busy', 'warn', (to) => `${to} was busy`)
const NO_ANSWER = told('No answer', 'warn', (to) => `${to} did not answer`)
const UNKNOWN = told('Unknown', 'warn', (to) => `There is no ${to}`)
const CONGESTED = told('Failed', 'bad', () => 'No capacity was left')

/** What a Q.850 cause means to people, before an answer. */
const BY_CAUSE: Record<number, Describe> = {
  1: UNKNOWN,
  2: UNKNOWN,
  3: UNKNOWN,
  17: BUSY,
  18: NO_ANSWER,
  19: NO_ANSWER,
  20: told('Offline', 'warn', (to) => `${to} has no phone registered`),
  21: told('Declined', 'warn', (to) => `${to} declined`),
  26: told('Elsewhere', 'plain', () => 'Another phone answered'),
  34: CONGESTED,
  42: CONGESTED,
  58: told('Failed', 'bad', () => 'No codec in common'),
}

/** The same by VoIPBIN's reason, where the cause says nothing. */
const BY_REASON: Record<string, Describe> = {
  busy: BUSY,
  noanswer: NO_ANSWER,
  timeout: NO_ANSWER,
  dialout: told('Failed', 'bad', (to) => `${to} could not be dialled`),
  failed: told('Failed', 'bad', (to) => `The call to ${to} failed`),
}

/** Reasons of an end after the answer. */
const AFTER_ANSWER: Record<string, string> = {
  failed: 'it failed',
  timeout: 'time limit reached',
  amd: 'an answering machine',
}

/** The outcome of a call that is over; of one leg, where the group has only that. */
export function outcomeOf(group: CallGroup): Outcome {
  return group.master.tm_progressing ? answered(group) : unanswered(group)
}

function answered({ master, legs }: CallGroup): Outcome {
  const limit = master.hangup_reason === 'timeout'
  const [word, tone]: [string, Tone] = limit ? ['Time limit', 'warn'] : ['Answered', 'plain']
  const called = legs.find((leg) => leg.tm_progressing && leg.hangup_by === 'remote' && endedIt(leg, master))
  if (master.hangup_by === 'remote') return { word, tone, sentence: `${numberOf(master)} hung up` }
  if (called) return { word, tone, sentence: `${numberOf(called)} hung up` }
  const why = AFTER_ANSWER[master.hangup_reason ?? '']
  if (!why && hasFlow(master)) return { word, tone, sentence: 'The flow came to its end' }
  return { word, tone, sentence: why ? `Tandem hung up: ${why}` : 'Tandem hung up' }
}

/** Whether a call ended because this leg did: a flow may go on after one, and then the end is its own. */
function endedIt(leg: Call, master: Call): boolean {
  const [left, ended] = [millis(leg.tm_hangup), millis(master.tm_hangup)]
  return left === null || ended === null || ended - left < SOON_MS
}

function hasFlow(call: Call): boolean {
  return Boolean(call.flow_id) && call.flow_id !== '00000000-0000-0000-0000-000000000000'
}

function unanswered({ master, legs }: CallGroup): Outcome {
  const to = master.destination?.target || 'unknown'
  if (master.direction === 'incoming' && master.hangup_by === 'remote') {
    return { word: 'Cancelled', tone: 'plain', sentence: `${numberOf(master)} gave up before an answer` }
  }
  const telling = [master, ...legs].map(describe).find((found) => found !== undefined)
  return telling?.(to) ?? { word: 'Cancelled', tone: 'plain', sentence: 'Ended before an answer' }
}

function describe(call: Call): Describe | undefined {
  return BY_CAUSE[call.metadata?.hangup_cause ?? 0] ?? BY_REASON[call.hangup_reason ?? '']
}

/** The number of the phone at the other end of a leg. */
export function numberOf(call: Call): string {
  const address = call.direction === 'incoming' ? call.source : call.destination
  return address?.target || 'unknown'
}
