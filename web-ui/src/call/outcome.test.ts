import { expect, test } from 'vitest'
import type { Call } from './call'
import { outcomeOf } from './outcome'

const NIL = '00000000-0000-0000-0000-000000000000'

function call(part: Partial<Call>): Call {
  const address = (target: string) => ({ type: 'extension', target })
  const base = { id: 'a', master_call_id: null, source: address('1001'), destination: address('1002'), status: 'hangup', direction: 'incoming', hangup_by: 'local', hangup_reason: 'normal', tm_create: '2027-01-15T08:00:00Z', tm_update: null, tm_ringing: null, tm_progressing: '2027-01-15T08:00:01Z', tm_hangup: '2027-01-15T08:01:00Z' }
  return { ...base, ...part } as Call
}

test('the leg that brought the end about is named', () => {
  const leg = call({ direction: 'outgoing', hangup_by: 'remote', tm_hangup: '2027-01-15T08:00:59.900Z' })
  expect(outcomeOf({ master: call({}), legs: [leg] }).sentence).toBe('1002 hung up')
})

test('a flow that went on after a leg ended by itself', () => {
  const leg = call({ direction: 'outgoing', hangup_by: 'remote', tm_hangup: '2027-01-15T08:00:30Z' })
  const flow = { flow_id: '11111111-1111-1111-1111-111111111111' }
  expect(outcomeOf({ master: call(flow), legs: [leg] }).sentence).toBe('The flow came to its end')
  expect(outcomeOf({ master: call({ ...flow, hangup_by: 'remote' }), legs: [leg] }).sentence).toBe('1001 hung up')
  expect(outcomeOf({ master: call({ flow_id: NIL }), legs: [leg] }).sentence).toBe('Tandem hung up')
})
