// An event in a line: what it is about.
import type { Envelope } from '../events'

/** What is shown of an event. */
export interface Line {
  seq: number
  type: string
  /** When it happened, by the resource itself; `null`: it does not say. */
  at: string | null
  about: string
  json: string
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function target(value: unknown): string {
  return typeof value === 'object' && value !== null ? text((value as Record<string, unknown>).target) : ''
}

/** Whom or what the resource is, in the words that people use for it. */
export function about(data: unknown): string {
  if (typeof data !== 'object' || data === null) return ''
  const { source, destination, status, hangup_reason, ...rest } = data as Record<string, unknown>
  const end = text(hangup_reason) || text(status)
  if (target(source) || target(destination)) return `${target(source) || '–'} → ${target(destination) || '–'}${end && ` · ${end}`}`
  const name = ['name', 'number', 'extension', 'username', 'digit', 'contact', 'text', 'target', 'hostname', 'domain_name', 'reason'].map((field) => text(rest[field])).find(Boolean)
  return [name ?? text(rest.id), end].filter(Boolean).join(' · ')
}

/** The line of an event. */
export function lineOf({ type, data, seq }: Envelope): Line {
  const known = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {}
  const at = [known.tm_hangup, known.tm_update, known.tm_create].map(text).find(Boolean) ?? null
  return { seq: seq ?? 0, type, at, about: about(data), json: JSON.stringify(data, null, 2) }
}

/** Whether a line has the words somewhere. */
export function fits(line: Line, words: string): boolean {
  return `${line.type} ${line.about} ${line.json}`.toLowerCase().includes(words.trim().toLowerCase())
}
