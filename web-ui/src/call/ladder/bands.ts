// When audio flows between whom: bars along the lifelines, from the step that starts it to the one that ends it.
import type { Participant, Step } from './sequence'

/** A time during which audio flows, drawn along a lifeline. */
export interface Band {
  x: number
  top: number
  bottom: number
  /** Still flowing where the ladder ends. */
  open: boolean
}

const ENDS = /^(BYE\b|hang up|no RTP|on hold)/i
const RESUMES = /^(audio|resume)/i

/** Whether a step is the audio itself, from phone to phone, and not an order to the media engine. */
export function isAudio(step: Step, participants: readonly Participant[]): boolean {
  const outside = (column: number) => participants[column]?.role === 'phone'
  return step.kind === 'media' && step.from !== step.to && outside(step.from) && outside(step.to)
}

/** Sees all steps in order, also those that are not drawn, and remembers where audio flowed. */
export class Bands {
  readonly #participants: readonly Participant[]
  readonly #place: ReadonlyMap<number, number>
  readonly #found: Band[] = []
  #bridged: number[] = []
  #open: Band[] = []

  constructor(participants: readonly Participant[], place: ReadonlyMap<number, number>) {
    this.#participants = participants
    this.#place = place
  }

  see(step: Step, y: number): void {
    if (isAudio(step, this.#participants)) {
      this.#close(y)
      this.#bridged = [step.from, step.to, this.#participants.findIndex((one) => one.role === 'media')]
      this.#begin(y)
    } else if (this.#open.length > 0 && ENDS.test(step.label) && this.#touches(step)) this.#close(y)
    else if (this.#open.length === 0 && step.kind === 'media' && RESUMES.test(step.label)) this.#begin(y)
  }

  /** The bars; those still open reach down to where a live ladder ends, or to its last step. */
  finish(bottom: number, live: boolean): Band[] {
    for (const band of this.#open) Object.assign(band, { bottom, open: live })
    return this.#found
  }

  #touches(step: Step): boolean {
    return this.#bridged.includes(step.from) || this.#bridged.includes(step.to)
  }

  #begin(y: number): void {
    for (const column of this.#bridged) {
      const x = this.#place.get(column)
      if (x === undefined) continue
      const band = { x, top: y, bottom: y, open: false }
      this.#open.push(band)
      this.#found.push(band)
    }
  }

  #close(y: number): void {
    for (const band of this.#open) band.bottom = y
    this.#open = []
  }
}
