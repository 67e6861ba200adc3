// The ladder as plain text, drawn the way the sequence documents draw theirs.
import { fineDuration, roughDuration } from '../../time'
import { isAudio } from './bands'
import { columnName, type Participant, type Sequence, type Step, type StepKind } from './sequence'

const TIME_WIDTH = 12
const NARROWEST = 16
const WIDEST = 20
const SILENCE_US = 1_000_000

/** Draws a sequence with `+--->|` arrows, `<===>` for audio. */
export function textLadder(sequence: Sequence, kinds: ReadonlySet<StepKind>): string {
  const canvas = new Canvas(sequence)
  const lines = canvas.heads()
  let before: number | null = null
  for (const step of sequence.steps) {
    if (!kinds.has(step.kind)) continue
    const delta: number = before === null ? 0 : step.offset_us - before
    if (delta >= SILENCE_US) lines.push(canvas.note(`(${roughDuration(delta)} later)`))
    const time = step.offset_us === before ? '' : fineDuration(step.offset_us)
    lines.push(...canvas.step(step, time), canvas.rest())
    before = step.offset_us
  }
  if (sequence.omitted > 0) lines.push(canvas.note(`(${sequence.omitted} more steps were not kept)`))
  return lines.map((line) => line.trimEnd()).join('\n') + '\n'
}

/** Lines of characters on which the lifelines stand already. */
class Canvas {
  readonly #columns: number[]
  readonly #names: string[]
  readonly #participants: readonly Participant[]
  readonly #width: number

  constructor(sequence: Sequence) {
    const short = sequence.steps.filter((step) => Math.abs(step.from - step.to) === 1)
    const longest = Math.max(0, ...short.map((step) => step.label.length + 4))
    this.#width = Math.min(WIDEST, Math.max(NARROWEST, longest))
    this.#columns = sequence.participants.map((_, index) => TIME_WIDTH + 6 + index * this.#width)
    this.#participants = sequence.participants
    this.#names = sequence.participants.map(columnName)
  }

  heads(): string[] {
    const line: string[] = []
    this.#names.forEach((name, index) => {
      const shown = name.slice(0, this.#width - 2)
      write(line, Math.max(0, this.#at(index) - Math.floor(shown.length / 2)), shown)
    })
    return [text(line), this.rest()]
  }

  /** Nothing but lifelines. */
  rest(): string {
    return text(this.#lifelines())
  }

  note(words: string): string {
    const line = this.#lifelines()
    write(line, this.#at(0) + 2, words)
    return text(line)
  }

  step(step: Step, time: string): string[] {
    const [left, right] = step.from <= step.to ? [step.from, step.to] : [step.to, step.from]
    const self = left === right
    const room = self ? this.#width * 2 - 4 : this.#at(right) - this.#at(left) - 3
    const labels = wrap(step.label, Math.max(8, room)).map((words) => {
      const line = this.#lifelines()
      write(line, this.#at(left) + 2, words)
      return line
    })
    const arrow = self ? [] : [this.#arrow(step, this.#at(left), this.#at(right))]
    const lines = [...labels, ...arrow]
    if (lines[0]) write(lines[0], 0, time.padStart(TIME_WIDTH))
    return lines.map(text)
  }

  #arrow(step: Step, left: number, right: number): string[] {
    const line = this.#lifelines()
    const inner = right - left - 2
    if (isAudio(step, this.#participants)) write(line, left, `|<${'='.repeat(Math.max(0, inner - 1))}>|`)
    else if (step.from < step.to) write(line, left, `+${'-'.repeat(inner)}>|`)
    else write(line, left, `|<${'-'.repeat(inner)}+`)
    return line
  }

  #lifelines(): string[] {
    const line: string[] = []
    this.#columns.forEach((column) => write(line, column, '|'))
    return line
  }

  #at(index: number): number {
    return this.#columns[index] ?? 0
  }
}

function write(line: string[], at: number, words: string): void {
  while (line.length < at + words.length) line.push(' ')
  for (let index = 0; index < words.length; index += 1) line[at + index] = words[index]!
}

function text(line: string[]): string {
  return line.join('')
}

/** Breaks a text into lines of at most `room` characters, between words where it can. */
export function wrap(words: string, room: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of words.split(/\s+/)) {
    for (let rest = word; rest; rest = rest.slice(room)) {
      const piece = rest.slice(0, room)
      if (line && line.length + 1 + piece.length > room) {
        lines.push(line)
        line = piece
      } else line = line ? `${line} ${piece}` : piece
    }
  }
  lines.push(line)
  return lines
}
