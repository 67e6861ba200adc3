// The calls the page knows: merged from lists and events, grouped into rows. Pure.
import type { Envelope } from '../events'
import { day, millis } from '../time'
import { isLive, masterOf, type Call, type CallGroup } from './call'

export type Book = ReadonlyMap<string, Call>

/** Calls kept at most; beyond it the oldest finished ones are forgotten. */
export const BOOK_LIMIT = 2000

/** Takes in calls; what is older than what is known, or would undo an end, is not taken. */
export function merge(book: Book, calls: Iterable<Call>): Book {
  const next = new Map(book)
  for (const call of calls) {
    if (isNews(next.get(call.id), call)) next.set(call.id, call)
  }
  return prune(next)
}

/** Takes in events; those of other resources change nothing. */
export function apply(book: Book, events: readonly Envelope[]): Book {
  const next = new Map(book)
  for (const event of events) {
    const call = callOf(event)
    if (!call) continue
    if (event.type === 'call_deleted') next.delete(call.id)
    else if (isNews(next.get(call.id), call)) next.set(call.id, call)
  }
  return prune(next)
}

/** The call that an event is about. */
export function callOf(event: Envelope): Call | null {
  // A recording is told of among the events of its call.
  if (!event.type.startsWith('call_') || event.type === 'call_recording') return null
  const data = event.data as Partial<Call> | null
  return typeof data?.id === 'string' && typeof data.status === 'string' ? (data as Call) : null
}

function isNews(known: Call | undefined, call: Call): boolean {
  if (!known) return true
  if (!isLive(known) && isLive(call)) return false
  return isSameOrLater(call.tm_update ?? call.tm_create, known.tm_update ?? known.tm_create)
}

/** RFC 3339 in UTC sorts as text where the number of digits is the same; this keeps the microseconds that `Date` drops. */
function isSameOrLater(time: string, known: string): boolean {
  return time.length === known.length ? time >= known : (Date.parse(time) || 0) >= (Date.parse(known) || 0)
}

function prune(book: Map<string, Call>): Book {
  const surplus = book.size - BOOK_LIMIT
  if (surplus <= 0) return book
  const finished = [...book.values()].filter((call) => !isLive(call)).sort(byAge).slice(-surplus)
  for (const call of finished) book.delete(call.id)
  return book
}

function byAge(a: Call, b: Call): number {
  return a.tm_create < b.tm_create ? 1 : a.tm_create > b.tm_create ? -1 : 0
}

/** Rows, newest first. A leg whose master is not known is a row of its own, or left out while older pages may bring it. */
export function groups(book: Book, complete: boolean): CallGroup[] {
  const masters: Call[] = []
  const legs = new Map<string, Call[]>()
  for (const call of book.values()) {
    const master = masterOf(call)
    if (master === null || !book.has(master)) {
      if (master === null || complete || isLive(call)) masters.push(call)
      continue
    }
    const siblings = legs.get(master)
    if (siblings) siblings.push(call)
    else legs.set(master, [call])
  }
  return masters.sort(byAge).map((master) => ({ master, legs: (legs.get(master.id) ?? []).sort(byAge).reverse() }))
}

/** Rows under the day on which they began, both in their order. */
export function byDay(rows: CallGroup[], now: number): { day: string; rows: CallGroup[] }[] {
  const days: { day: string; rows: CallGroup[] }[] = []
  for (const row of rows) {
    const name = day(millis(row.master.tm_create) ?? 0, now)
    const last = days.at(-1)
    if (last?.day === name) last.rows.push(row)
    else days.push({ day: name, rows: [row] })
  }
  return days
}

/** The rows in which a number or a name contains the text. */
export function filterGroups(rows: CallGroup[], text: string): CallGroup[] {
  const wanted = text.trim().toLowerCase()
  if (!wanted) return rows
  return rows.filter(({ master, legs }) => [master, ...legs].some((call) => mentions(call, wanted)))
}

function mentions(call: Call, wanted: string): boolean {
  return [call.source, call.destination].some((address) =>
    [address?.target, address?.target_name, address?.name].some((word) => word?.toLowerCase().includes(wanted)),
  )
}
