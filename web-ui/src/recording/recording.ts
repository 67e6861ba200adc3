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
  metadata?: { duration_ms: number | null; octets: number | null; ended_by: string; failure: string | null
    /** Where the file is: on the box, in the bucket, in both; nowhere yet, or nowhere any more. */
    stored?: '' | 'box' | 'both' | 'bucket' | 'gone'
    /** Why it is not in the bucket yet. */
    upload_failure?: string | null } | null
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

/** `1.5 MB`, `32 GB`. */
export function size(octets: number | null | undefined): string {
  if (octets == null) return '–'
  if (octets < 1000) return `${octets} B`
  const [value, unit] = octets < 1e6 ? [octets / 1e3, 'kB'] : octets < 1e9 ? [octets / 1e6, 'MB'] : [octets / 1e9, 'GB']
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
    case 'ended': {
      const { stored, failure, upload_failure } = recording.metadata ?? {}
      if (stored === 'gone') return { word: 'Gone', tone: 'warn' }
      if (failure) return { word: 'Failed', tone: 'warn' }
      if (stored === 'bucket') return { word: 'In the bucket', tone: 'good' }
      return upload_failure ? { word: 'Waits for the bucket', tone: 'warn' } : { word: 'Complete', tone: 'good' }
    }
  }
}
