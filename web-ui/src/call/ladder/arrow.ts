// The shapes of a step: line, heads, loop and mark, as SVG path data.
import type { Row } from './layout'

export interface Shape {
  line: string
  head: string
}

const HEAD = 8
const HALF = 4.5

/** What to draw for a row. */
export function shapeOf(row: Row): Shape {
  if (row.self) return row.step.kind === 'event' ? diamond(row) : loop(row)
  return row.double ? doubleLine(row) : arrow(row)
}

function arrow(row: Row): Shape {
  const direction = Math.sign(row.x2 - row.x1)
  const open = row.step.kind === 'internal'
  return {
    line: `M${row.x1} ${row.y}H${row.x2 - direction * (open ? 1 : HEAD)}`,
    head: open ? openHead(row.x2, row.y, direction) : filledHead(row.x2, row.y, direction),
  }
}

/** Two lines with a head at both ends: audio goes both ways. */
function doubleLine(row: Row): Shape {
  const [left, right] = row.x1 < row.x2 ? [row.x1, row.x2] : [row.x2, row.x1]
  const from = left + HEAD - 1
  const to = right - HEAD + 1
  return {
    line: `M${from} ${row.y - 2}H${to}M${from} ${row.y + 2}H${to}`,
    head: filledHead(right, row.y, 1) + filledHead(left, row.y, -1),
  }
}

function loop(row: Row): Shape {
  const side = row.labelAnchor === 'end' ? -1 : 1
  const reach = row.x1 + side * 15
  const tip = row.x1 + side * 1
  return {
    line: `M${row.x1} ${row.y - 6}H${reach - side * 3}Q${reach} ${row.y - 6} ${reach} ${row.y - 3}V${row.y + 3}Q${reach} ${row.y + 6} ${reach - side * 3} ${row.y + 6}H${tip}`,
    head: row.step.kind === 'media' ? filledHead(row.x1, row.y + 6, -side) : openHead(row.x1, row.y + 6, -side),
  }
}

function diamond(row: Row): Shape {
  const { x1: x, y } = row
  const side = row.labelAnchor === 'end' ? -1 : 1
  return { line: `M${x + side * 6} ${y}h${side * 12}`, head: `M${x - 6} ${y}l6 -6l6 6l-6 6z` }
}

function filledHead(x: number, y: number, direction: number): string {
  return `M${x} ${y}l${-direction * HEAD} ${-HALF}v${2 * HALF}z`
}

function openHead(x: number, y: number, direction: number): string {
  return `M${x - direction * (HEAD - 1)} ${y - HALF}L${x - direction * 0.5} ${y}L${x - direction * (HEAD - 1)} ${y + HALF}`
}
