// How wide a label is in the page's font.

const known = new Map<string, number>()
const LIMIT = 5000
let context: CanvasRenderingContext2D | null | undefined

/** Width in pixels of a label as `ladder.css` sets it in bold. */
export function measureLabel(text: string): number {
  const found = known.get(text)
  if (found !== undefined) return found
  context ??= prepare()
  const width = context ? context.measureText(text).width : text.length * 7.2
  if (known.size > LIMIT) known.clear()
  known.set(text, width)
  return width
}

function prepare(): CanvasRenderingContext2D | null {
  const made = document.createElement('canvas').getContext('2d')
  if (made) made.font = `600 12.5px ${getComputedStyle(document.body).fontFamily}`
  return made
}
