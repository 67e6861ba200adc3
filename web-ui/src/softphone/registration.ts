// Whether the exchange knows where to ring this browser: as data, and in words.

export type Registration =
  | { state: 'off' }
  /** The connection is being made, or the answer waited for. */
  | { state: 'connecting' }
  | { state: 'registered' }
  /** There is a connection, and no registration; tried again later. */
  | { state: 'refused'; why: string }
  /** There is no connection; tried again by itself. `ever`: whether there has been one. */
  | { state: 'lost'; ever: boolean }

/** The registration in a word, with the tone of its badge. */
export function registrationWord(registration: Registration): { word: string; tone: string } {
  switch (registration.state) {
    case 'off':
      return { word: 'Off', tone: 'plain' }
    case 'connecting':
      return { word: 'Connecting', tone: 'warn' }
    case 'registered':
      return { word: 'Ready', tone: 'good' }
    case 'refused':
      return { word: 'Not registered', tone: 'bad' }
    case 'lost':
      return { word: 'No connection', tone: 'bad' }
  }
}

/** Seconds until the next try of a refused registration: 4, 8, 16, at most 64. */
export function refusalPause(tries: number): number {
  return Math.min(64, 4 * 2 ** Math.max(0, tries - 1))
}
