// What `GET /v1.0/calls/{id}/sequence` answers.

export type StepKind = 'sip' | 'internal' | 'media' | 'event'

export const STEP_KINDS: readonly StepKind[] = ['sip', 'internal', 'media', 'event']

export interface Participant {
  role: 'phone' | 'sip' | 'registrar' | 'call' | 'media'
  call_id?: string | null
  name: string
  detail: string
}

export interface Step {
  at: string
  /** Microseconds since the first step. */
  offset_us: number
  from: number
  to: number
  kind: StepKind
  label: string
  detail: string
}

export interface Sequence {
  call_id: string
  omitted: number
  participants: Participant[]
  steps: Step[]
}

/** What a kind is called in the legend. */
export const KIND_NAMES: Record<StepKind, string> = {
  sip: 'SIP message',
  internal: 'Inner step',
  media: 'Audio',
  event: 'Event',
}

const PART_NAMES: Record<string, string> = { sip: 'SIP', registrar: 'Registrar', call: 'Call', media: 'Media' }

/** What stands on top of a column: the phone's number, or what the inner part is called. */
export function columnName(participant: Participant | undefined): string {
  if (!participant) return ''
  const plain = participant.name === '' || participant.name === participant.role
  return plain ? (PART_NAMES[participant.role] ?? participant.role) : participant.name
}

/** Takes away what would not be drawable: steps between columns that are not there. */
export function drawable(sequence: Sequence): Sequence {
  const count = sequence.participants.length
  const fits = (column: number) => Number.isInteger(column) && column >= 0 && column < count
  const steps = sequence.steps.filter((step) => fits(step.from) && fits(step.to))
  return steps.length === sequence.steps.length ? sequence : { ...sequence, steps }
}

/** Whether the step is a SIP response that refuses; asking for a digest and confirming a CANCEL are no refusals. */
export function isFailure(step: Step): boolean {
  return step.kind === 'sip' && /^[456]\d\d\b/.test(step.label) && !/^(401|407|487)/.test(step.label)
}
