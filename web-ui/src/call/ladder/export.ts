// The ladder as one SVG file that stands alone: inks and colours are written into it.
import sheet from './ladder.css?raw'
import { HEADER_HEIGHT, type Layout } from './layout'

const PADDING = 16
const NAMESPACE = 'http://www.w3.org/2000/svg'

/** Puts the parts that are on the page together into a file's text. */
export function exportSvg(title: string, layout: Layout, timesWidth: number, parts: { heads: SVGElement; times: SVGElement; body: SVGElement }): string {
  const svg = document.createElementNS(NAMESPACE, 'svg')
  const width = timesWidth + layout.width + 2 * PADDING
  const height = HEADER_HEIGHT + layout.height + 2 * PADDING
  svg.setAttribute('xmlns', NAMESPACE)
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
  svg.setAttribute('width', String(width))
  svg.setAttribute('height', String(height))
  svg.setAttribute('class', 'ladder')
  svg.append(element('title', {}, title), element('rect', { width: '100%', height: '100%', fill: color('--surface') }))
  svg.append(
    moved(parts.heads, PADDING + timesWidth, PADDING),
    moved(parts.times, PADDING, PADDING + HEADER_HEIGHT),
    moved(parts.body, PADDING + timesWidth, PADDING + HEADER_HEIGHT),
  )
  const text = new XMLSerializer().serializeToString(svg).replace(/<!--.*?-->/g, '')
  // The sheet is put in as text: as an element it would be an inline style, which the page forbids itself.
  return text.replace('</title>', `</title><style>${resolved(sheet)}</style>`)
}

function element(name: string, attributes: Record<string, string>, text = ''): SVGElement {
  const made = document.createElementNS(NAMESPACE, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.textContent = text
  return made
}

function moved(part: SVGElement, x: number, y: number): SVGElement {
  const group = element('g', { transform: `translate(${x} ${y})` })
  for (const child of part.children) group.append(child.cloneNode(true))
  return group
}

/** Other programs know no CSS variables, so each is replaced by what it stands for here and now. */
function resolved(css: string): string {
  return css.replace(/\/\*.*?\*\//gs, '').replace(/var\((--[\w-]+)\)/g, (_, name: string) => (/^--(font|mono)$/.test(name) ? raw(name) : color(name)))
}

function raw(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

function color(name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const value = getComputedStyle(probe).color
  probe.remove()
  return value
}
