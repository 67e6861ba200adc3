// Whether the box waits for its first administrator.

export interface Setup {
  required: boolean
  board: boolean
}

/** All time zones that the browser knows, and the one in which it stands. */
export function timeZones(): { names: string[]; here: string } {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
  const known = Intl.supportedValuesOf('timeZone')
  return { names: [...new Set(['UTC', here, ...known])].sort(), here }
}

/** What is wrong with a new password, in words; empty where nothing is. */
export function weakness(password: string, again: string): string {
  if (password.length < 8) return 'Take at least 8 characters.'
  if (password !== again) return 'The two passwords are not the same.'
  return ''
}
