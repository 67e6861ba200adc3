// Where everything of a ladder stands, in pixels. Pure: a sequence and a width in, coordinates out.
import { roughDuration } from '../../time'
import type { Participant, Sequence, Step, StepKind } from './sequence'

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
  label: string
  labelX: number
  labelAnchor: 'start' | 'middle' | 'end'
  /** Microseconds since the step before. */
  delta: number
}

/** A stretch of silence, drawn short. */
export interface Gap {
  type: 'gap'
  top: number
  height: number
  text: string
}

/** A time during which audio flows, drawn along a lifeline. */
export interface Band {
  x: number
  top: number
  bottom: number
  /** Still flowing where the ladder ends. */
  open: boolean
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
const NARROWEST = 112
const WIDEST = 250
const LABEL_INSET = 12
/** From here on a silence is compressed and marked. */
const SILENCE_US = 1_000_000
/** From here on a row stands a little further off. */
const PAUSE_US = 100_000

/** Lays a ladder out. */
export function layOut(sequence: Sequence, options: LayoutOptions): Layout {
  const steps = sequence.steps.map((step, index) => ({ step, index })).filter(({ step }) => options.kinds.has(step.kind))
  const columns = placeColumns(sequence.participants, steps, options.width)
  const width = ladderWidth(columns, options.width)
  const place = new Map(columns.map((column) => [column.participant, column.x]))
  const rows: (Row | Gap)[] = []
  let top = 10
  let before: number | null = null
  for (const { step, index } of steps) {
    const delta: number = before === null ? 0 : Math.max(0, step.offset_us - before)
    if (delta >= SILENCE_US) {
      rows.push({ type: 'gap', top, height: GAP_HEIGHT, text: roughDuration(delta) })
      top += GAP_HEIGHT
    } else if (delta >= PAUSE_US) top += PAUSE_EXTRA
    const row = placeRow(step, index, top, delta, place, width, options.measure)
    rows.push(row)
    top += row.height
    before = step.offset_us
  }
  const height = top + TAIL
  return { width, height, columns, rows, bands: bands(rows, height, options.live), zone: zone(columns) }
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
    name: participant.name || participant.role,
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

function placeRow(step: Step, index: number, top: number, delta: number, place: Map<number, number>, width: number, measure: (text: string) => number): Row {
  const x1 = place.get(step.from) ?? 0
  const x2 = place.get(step.to) ?? 0
  const self = step.from === step.to
  const height = self ? SELF_HEIGHT : ARROW_HEIGHT
  const label = self ? selfLabel(step.label, x1, width, measure) : arrowLabel(step.label, x1, x2, measure)
  return { type: 'step', index, step, top, height, y: top + (self ? 16 : 25), x1, x2, self, delta, ...label }
}

type PlacedLabel = Pick<Row, 'label' | 'labelX' | 'labelAnchor'>

function arrowLabel(text: string, x1: number, x2: number, measure: (text: string) => number): PlacedLabel {
  const room = Math.abs(x2 - x1) - 2 * LABEL_INSET
  return { label: shorten(text, room, measure), labelX: (x1 + x2) / 2, labelAnchor: 'middle' }
}

const SELF_INSET = 24

/** Right of the lifeline, or left of it where only there is room. */
function selfLabel(text: string, x: number, width: number, measure: (text: string) => number): PlacedLabel {
  const right = width - x - SELF_INSET - 6
  const left = x - SELF_INSET - 6
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

const AUDIO_ENDS = /\b(close[sd]?|closing|stop(s|ped)?|end(s|ed)?|release[sd]?|remove[sd]?|timeout)\b/i

/** Audio flows on a lifeline from a media arrow that touches it to the one that ends it. */
function bands(rows: (Row | Gap)[], height: number, live: boolean): Band[] {
  const found: Band[] = []
  const open = new Map<number, Band>()
  let lastStep = 0
  for (const row of rows) {
    if (row.type !== 'step') continue
    lastStep = row.y
    if (row.step.kind !== 'media') continue
    const touched = new Set([row.x1, row.x2])
    if (AUDIO_ENDS.test(row.step.label)) touched.forEach((x) => end(open, x, row.y))
    else if (!row.self) touched.forEach((x) => begin(open, found, x, row.y))
  }
  for (const band of open.values()) {
    band.open = live
    band.bottom = live ? height - TAIL / 2 : lastStep
  }
  return found
}

function begin(open: Map<number, Band>, found: Band[], x: number, y: number): void {
  if (open.has(x)) return
  const band = { x, top: y, bottom: y, open: false }
  open.set(x, band)
  found.push(band)
}

function end(open: Map<number, Band>, x: number, y: number): void {
  const band = open.get(x)
  if (!band) return
  band.bottom = y
  open.delete(x)
}
