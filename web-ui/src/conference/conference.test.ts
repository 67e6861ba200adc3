import { expect, it } from 'vitest'
import type { Call } from '../call/call'
import { dialledAs, isMuted, membersOf, type Conference, type Conferencecall } from './conference'

const conference = { id: 'c', data: { loudest: 3, tones: true } } as Conference
const place = (id: string, more: Partial<Conferencecall>) => ({ id, conference_id: 'c', reference_id: `call-${id}`, status: 'joined', tm_create: '1', ...more }) as Conferencecall

it('is dialled by its number, else by its id', () => {
  expect(dialledAs(conference)).toBe('conference-c')
  expect(dialledAs({ ...conference, data: { ...conference.data, extension: '800' } })).toBe('800')
})

it('shows who is in it, in the order in which they came', () => {
  const places = [place('b', { tm_create: '2' }), place('a', {}), place('x', { conference_id: 'd' }), place('y', { status: 'leaved' })]
  const calls = [{ id: 'call-a', mute_direction: 'in' } as Call]
  const members = membersOf(conference, places, calls)
  expect(members.map((member) => [member.place.id, member.call?.id, isMuted(member.call)])).toEqual([['a', 'call-a', true], ['b', undefined, false]])
})
