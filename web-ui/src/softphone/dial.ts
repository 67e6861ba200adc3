// Numbers as people type them, and the keys of a telephone.

/** The keys of the pad, row by row, with the letters that stand below the digits. */
export const KEYS = [
  ['1', ''],
  ['2', 'ABC'],
  ['3', 'DEF'],
  ['4', 'GHI'],
  ['5', 'JKL'],
  ['6', 'MNO'],
  ['7', 'PQRS'],
  ['8', 'TUV'],
  ['9', 'WXYZ'],
  ['*', ''],
  ['0', '+'],
  ['#', ''],
] as const

/** What is spoken where only a sign stands. */
export const SPOKEN: Record<string, string> = { '*': 'star', '#': 'hash' }

/** What a number of the exchange may be made of, and a conference of it. */
const NUMBER = /^(?:[0-9A-Za-z._+*#-]{1,32}|conference[-:][0-9a-f-]{36})$/
/** What is written between digits for the eye alone. */
const WRITTEN = /^\+?[0-9][0-9 ()/.–-]*$/

/** What is dialled for what was typed or pasted: `tel:+49 (30) 12-34` is `+493012 34` without the blanks; empty where it is no number. */
export function dialled(text: string): string {
  const bare = text.trim().replace(/^(?:tel|sips?):/i, '')
  const number = WRITTEN.test(bare) ? bare.replace(/[^0-9+]/g, '') : bare
  return NUMBER.test(number) ? number : ''
}

/** The key of the pad that a key of the keyboard is. */
export function keyOf(key: string): string | null {
  return /^[0-9*#]$/.test(key) ? key : null
}

/** The two frequencies of a key, in hertz (ITU-T Q.23). */
export function tonesOf(key: string): [number, number] | null {
  const place = '123A456B789C*0#D'.indexOf(key)
  if (key.length !== 1 || place < 0) return null
  return [[697, 770, 852, 941][place >> 2]!, [1209, 1336, 1477, 1633][place & 3]!]
}
