// Where everything of a ladder stands, in pixels. Pure: a sequence and a width in, coordinates out.
import { fineDuration, roughDuration } from '../../time'
import { Bands, isAudio, type Band } from './bands'
import { columnName, type Participant, type Sequence, type Step, type StepKind } from './sequence'

export interface Column {
  /** Index into the sequence's participants. */
  participant: number
  x: number
  name: string
  detail: string
  role: Participant['role']
  boxWidth: number
}

export interface Row {
  type: 'step'
  /** Index into the sequence's steps. */
  index: number
  step: Step
  top: number
  height: number
  /** Where the arrow or the mark stands. */
  y: number
  x1: number
  x2: number
  self: boolean
  /** Audio in both directions, drawn as a double line. */
  double: boolean
  label: string
  labelX: number
  labelAnchor: 'start' | 'middle' | 'end'
  /** Microseconds since the step before. */
  delta: number
  /** What the time column shows: the offset, or the delta where the offset would read the same as above, or nothing. */
  time: string
  timeRepeats: boolean
}

/** A stretch of silence, drawn short. */
export interface Gap {
  type: 'gap'
  top: number
  height: number
  text: string
}

export interface Layout {
  width: number
  height: number
  columns: Column[]
  rows: (Row | Gap)[]
  bands: Band[]
  /** The columns that are inside the exchange. */
  zone: { x1: number; x2: number } | null
}

export interface LayoutOptions {
  /** Pixels there are; the ladder may need more. */
  width: number
  kinds: ReadonlySet<StepKind>
  /** Width of a label in pixels. */
  measure: (text: string) => number
  live: boolean
}

export const HEADER_HEIGHT = 76
const ARROW_HEIGHT = 36
const SELF_HEIGHT = 32
const GAP_HEIGHT = 40
const PAUSE_EXTRA = 8
const TAIL = 28
const NARROWEST = 92
const WIDEST = 250
const LABEL_INSET = 12
/** From here on a silence is compressed and marked. */
const SILENCE_US = 1_000_000
/** From here on a row stands a little further off. */
const PAUSE_US = 100_000

/** Lays a ladder out. */
export function layOut(sequence: Sequence, options: LayoutOptions): Layout {
  const drawn = sequence.steps.map((step, index) => ({ step, index })).filter(({ step }) => options.kinds.has(step.kind))
  const columns = placeColumns(sequence.participants, drawn, options.width)
  const width = ladderWidth(columns, options.width)
  const place = new Map(columns.map((column) => [column.participant, column.x]))
  const bands = new Bands(sequence.participants, place)
  const rows = new Rows(place, { width, measure: options.measure, participants: sequence.participants })
  sequence.steps.forEach((step, index) => {
    const y = options.kinds.has(step.kind) ? rows.add(step, index) : rows.bottom
    bands.see(step, y)
  })
  const height = rows.bottom + TAIL
  const audioEnd = options.live ? height - TAIL / 2 : rows.lastY
  return { width, height, columns, rows: rows.list, bands: bands.finish(audioEnd, options.live), zone: zone(columns) }
}

interface Sheet {
  width: number
  measure: (text: string) => number
  participants: readonly Participant[]
}

/** Rows put under each other, with silences between them. */
class Rows {
  readonly list: (Row | Gap)[] = []
  bottom = 10
  lastY = 10
  readonly #place: ReadonlyMap<number, number>
  readonly #sheet: Sheet
  #before: number | null = null
  #shownTime = ''

  constructor(place: ReadonlyMap<number, number>, sheet: Sheet) {
    this.#place = place
    this.#sheet = sheet
  }

  /** Adds a step and says where its arrow stands. */
  add(step: Step, index: number): number {
    const delta = this.#before === null ? 0 : Math.max(0, step.offset_us - this.#before)
    this.#before = step.offset_us
    if (delta >= SILENCE_US) {
      this.list.push({ type: 'gap', top: this.bottom, height: GAP_HEIGHT, text: roughDuration(delta) })
      this.bottom += GAP_HEIGHT
    } else if (delta >= PAUSE_US) this.bottom += PAUSE_EXTRA
    const row: Row = { ...this.#stand(step, index), delta, ...this.#time(step, delta) }
    this.list.push(row)
    this.bottom += row.height
    this.lastY = row.y
    return row.y
  }

  #time(step: Step, delta: number): Pick<Row, 'time' | 'timeRepeats'> {
    const offset = fineDuration(step.offset_us)
    const timeRepeats = offset === this.#shownTime
    this.#shownTime = offset
    // What one message set off carries the moment of that message.
    const since = delta > 0 ? `+${fineDuration(delta)}` : ''
    return { time: timeRepeats ? since : offset, timeRepeats }
  }

  #stand(step: Step, index: number): Omit<Row, 'delta' | 'time' | 'timeRepeats'> {
    const x1 = this.#place.get(step.from) ?? 0
    const x2 = this.#place.get(step.to) ?? 0
    const self = step.from === step.to
    const label = self ? selfLabel(step.label, x1, this.#sheet) : arrowLabel(step.label, x1, x2, this.#sheet)
    const shape = { self, double: isAudio(step, this.#sheet.participants) }
    const top = this.bottom
    return { type: 'step', index, step, top, height: self ? SELF_HEIGHT : ARROW_HEIGHT, y: top + (self ? 16 : 25), x1, x2, ...shape, ...label }
  }
}

interface Indexed {
  step: Step
  index: number
}

/** Phones always stand; inner parts only where a shown step touches them. */
function placeColumns(participants: Participant[], steps: Indexed[], width: number): Column[] {
  const used = new Set(steps.flatMap(({ step }) => [step.from, step.to]))
  const shown = participants.map((participant, index) => ({ participant, index })).filter(({ participant, index }) => participant.role === 'phone' || used.has(index))
  const spaces = Math.max(1, shown.length - 1)
  const spacing = Math.min(WIDEST, Math.max(NARROWEST, Math.floor(width / (spaces + 1))))
  const boxWidth = Math.min(168, spacing - 10)
  return shown.map(({ participant, index }, position) => ({
    participant: index,
    x: Math.round(spacing / 2) + position * spacing,
    name: columnName(participant),
    detail: participant.detail,
    role: participant.role,
    boxWidth,
  }))
}

function ladderWidth(columns: Column[], width: number): number {
  const last = columns.at(-1)
  const first = columns[0]
  return last && first ? Math.max(last.x + first.x, Math.min(width, last.x + WIDEST)) : width
}

type PlacedLabel = Pick<Row, 'label' | 'labelX' | 'labelAnchor'>

/** In the middle of its arrow; a label too long for that starts with the arrow, or ends with it where the ladder ends. */
function arrowLabel(text: string, x1: number, x2: number, { width, measure }: Sheet): PlacedLabel {
  const left = Math.min(x1, x2) + LABEL_INSET
  const right = Math.max(x1, x2) - LABEL_INSET
  const needed = measure(text)
  if (needed <= right - left) return { label: text, labelX: (x1 + x2) / 2, labelAnchor: 'middle' }
  if (needed <= width - left - EDGE) return { label: text, labelX: left, labelAnchor: 'start' }
  if (needed <= right - EDGE) return { label: text, labelX: right, labelAnchor: 'end' }
  return { label: shorten(text, width - left - EDGE, measure), labelX: left, labelAnchor: 'start' }
}

const SELF_INSET = 24
const EDGE = 6

/** Right of the lifeline, or left of it where only there is room. */
function selfLabel(text: string, x: number, { width, measure }: Sheet): PlacedLabel {
  const right = width - x - SELF_INSET - EDGE
  const left = x - SELF_INSET - EDGE
  if (right >= left || measure(text) <= right) {
    return { label: shorten(text, right, measure), labelX: x + SELF_INSET, labelAnchor: 'start' }
  }
  return { label: shorten(text, left, measure), labelX: x - SELF_INSET, labelAnchor: 'end' }
}

/** Cuts a text with an ellipsis so that it fits. */
export function shorten(text: string, room: number, measure: (text: string) => number): string {
  if (measure(text) <= room) return text
  let low = 0
  let high = text.length
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (measure(`${text.slice(0, middle).trimEnd()}…`) <= room) low = middle
    else high = middle - 1
  }
  return `${text.slice(0, low).trimEnd()}…`
}

function zone(columns: Column[]): Layout['zone'] {
  const inner = columns.filter((column) => column.role !== 'phone')
  const first = inner[0]
  const last = inner.at(-1)
  if (!first || !last) return null
  const reach = first.boxWidth / 2 + 5
  return { x1: first.x - reach, x2: last.x + reach }
}
