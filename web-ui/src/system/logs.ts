// Lines of the log: which are kept, and which are shown.

export type Level = 'error' | 'warn' | 'info' | 'debug' | 'trace'

export interface Line {
  number: number
  tm: string
  level: Level
  target: string
  text: string
}

/** From what matters most to what matters least. */
export const LEVELS: Record<Level, string> = { error: 'Errors', warn: 'Warnings', info: 'Information', debug: 'Messages', trace: 'Everything' }
const ORDER = Object.keys(LEVELS)

/** As many as the exchange keeps. */
const MOST = 2_000

/** The lines with those that came. */
export function follow(lines: Line[], news: Line[]): Line[] {
  return news.length ? [...lines, ...news].slice(-MOST) : lines
}

/** Whether somebody wants to see it. */
export function matches(line: Line, level: Level, text: string): boolean {
  const wanted = text.trim().toLowerCase()
  return ORDER.indexOf(line.level) <= ORDER.indexOf(level) && `${line.target} ${line.text}`.toLowerCase().includes(wanted)
}
