// A conference as the API gives it, and who is in it.
import type { Call } from '../call/call'

export interface Conference {
  id: string
  name: string
  detail: string
  status: 'starting' | 'progressing' | 'terminating' | 'terminated'
  data: { extension?: string; loudest: number; tones: boolean }
  timeout: number
  conferencecall_ids: string[]
  tm_create: string
}

/** The place of a call in a conference. */
export interface Conferencecall {
  id: string
  conference_id: string
  reference_id: string
  status: 'joining' | 'joined' | 'leaving' | 'leaved'
  tm_create: string
}

/** One who is in a conference: the place, and the call that has it. */
export interface Member {
  place: Conferencecall
  call: Call | undefined
}

/** What a phone dials. */
export function dialledAs(conference: Conference): string {
  return conference.data.extension ?? `conference-${conference.id}`
}

/** Who is in a conference, in the order in which they came. */
export function membersOf(conference: Conference, places: Conferencecall[], calls: Call[]): Member[] {
  const there = places.filter((place) => place.conference_id === conference.id && place.status !== 'leaved')
  const members = there.map((place) => ({ place, call: calls.find((call) => call.id === place.reference_id) }))
  return members.sort((a, b) => a.place.tm_create.localeCompare(b.place.tm_create))
}

/** Whether nobody hears the phone. */
export function isMuted(call: Call | undefined): boolean {
  return call?.mute_direction === 'in' || call?.mute_direction === 'both'
}
