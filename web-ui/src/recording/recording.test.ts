import { expect, it } from 'vitest'
import { isAboutRecordings, runningOf, size, statusWord, type Recording } from './recording'

const recording: Recording = {
  id: 'r', reference_id: 'c', status: 'ended', format: 'wav', url: '', metadata: null, tm_start: null, tm_end: null, tm_create: '2026-11-22T10:00:00Z',
}

it('knows what runs', () => {
  expect(runningOf({ recording_id: 'r' })).toBe('r')
  expect([undefined, null, '', '00000000-0000-0000-0000-000000000000'].map((recording_id) => runningOf({ recording_id: recording_id ?? null }))).toEqual(Array(4).fill(null))
})

it('knows which events tell of recordings', () => {
  expect(['call_recording', 'recording_deleted', 'call_updated'].map((type) => isAboutRecordings({ type, data: null }))).toEqual([true, true, false])
})

it('writes sizes for people', () => {
  expect([null, 0, 999, 1_234, 99_400, 1_500_000, 32_000_000].map(size)).toEqual(['–', '0 B', '999 B', '1.2 kB', '99 kB', '1.5 MB', '32 MB'])
})

it('names the state', () => {
  const failed = { ...recording, metadata: { duration_ms: null, octets: null, ended_by: 'failure', failure: 'the disk is full' } }
  expect([recording, failed, { ...recording, status: 'stopping' as const }, { ...recording, status: 'recording' as const }].map((one) => statusWord(one).word)).toEqual([
    'Complete', 'Failed', 'Being completed', 'Recording',
  ])
})

it('names where the file is', () => {
  const metadata = { duration_ms: 1, octets: 1, ended_by: 'hangup', failure: null }
  const word = (more: object) => statusWord({ ...recording, metadata: { ...metadata, ...more } }).word
  expect([word({ stored: 'box' }), word({ stored: 'both' }), word({ stored: 'bucket' }), word({ stored: 'gone' })]).toEqual(['Complete', 'Complete', 'In the bucket', 'Gone'])
  expect(word({ stored: 'box', upload_failure: 'the bucket answers 404' })).toBe('Waits for the bucket')
})
