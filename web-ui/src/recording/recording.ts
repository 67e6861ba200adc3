// A recording as the API gives it, and what it means in words.
import type { Envelope } from '../events'

export type RecordingStatus = 'initiating' | 'recording' | 'stopping' | 'ended'

export interface Recording {
  id: string
  reference_id: string
  status: RecordingStatus
  format: 'wav' | 'mp3'
  /** A link that counts for an hour; empty in events, and while there is no file. */
  url: string
  metadata?: { duration_ms: number | null; octets: number | null; ended_by: string; failure: string | null } | null
  tm_start: string | null
  tm_end: string | null
  tm_create: string
}

const NIL = '00000000-0000-0000-0000-000000000000'

/** The recording that a call says is running. */
export function runningOf(call: { recording_id?: string | null }): string | null {
  return call.recording_id && call.recording_id !== NIL ? call.recording_id : null
}

/** Whether an event tells of recordings. */
export function isAboutRecordings(event: Envelope): boolean {
  return event.type === 'call_recording' || event.type.startsWith('recording_')
}

/** `1.5 MB`. */
export function size(octets: number | null | undefined): string {
  if (octets == null) return '–'
  if (octets < 1000) return `${octets} B`
  const [value, unit] = octets < 1e6 ? [octets / 1e3, 'kB'] : [octets / 1e6, 'MB']
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`
}

/** The state in a word, and its colour. */
export function statusWord(recording: Recording): { word: string; tone: string } {
  switch (recording.status) {
    case 'initiating':
    case 'recording':
      return { word: 'Recording', tone: 'bad' }
    case 'stopping':
      return { word: 'Being completed', tone: 'warn' }
    case 'ended':
      return recording.metadata?.failure ? { word: 'Failed', tone: 'warn' } : { word: 'Complete', tone: 'good' }
  }
}
