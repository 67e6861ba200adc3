// Times and durations as people read them.

/** Milliseconds of an RFC 3339 time, `null` where unset or not a time. */
export function millis(time: string | null | undefined): number | null {
  if (!time) return null
  const value = Date.parse(time)
  return Number.isNaN(value) ? null : value
}

/** `0:07`, `12:34`, `1:02:03`. */
export function clockDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const h = Math.floor(seconds / 3600)
  const m = Math.floor(seconds / 60) % 60
  const s = String(seconds % 60).padStart(2, '0')
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`
}

/** `0.12 ms`, `34.5 ms`, `1.250 s`, `2:05.300`: three or four digits that matter. */
export function fineDuration(microseconds: number): string {
  const us = Math.max(0, Math.round(microseconds))
  if (us < 10_000) return `${(us / 1000).toFixed(2)} ms`
  if (us < 1_000_000) return `${(us / 1000).toFixed(1)} ms`
  if (us < 60_000_000) return `${(us / 1_000_000).toFixed(3)} s`
  const whole = Math.floor(us / 1_000_000)
  const rest = String(Math.floor((us % 1_000_000) / 1000)).padStart(3, '0')
  return `${clockDuration(whole * 1000)}.${rest}`
}

/** `4.2 s`, `1 min 05 s`, `2 h 03 min`: for silences. */
export function roughDuration(microseconds: number): string {
  const seconds = microseconds / 1_000_000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
  return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole / 60) % 60).padStart(2, '0')} min`
}

/** `expires in 48 s`, `expires in 58 min`, `expired`. */
export function expiry(until: number, now: number): string {
  const seconds = Math.round((until - now) / 1000)
  if (seconds <= 0) return 'expired'
  if (seconds < 100) return `expires in ${seconds} s`
  if (seconds < 100 * 60) return `expires in ${Math.round(seconds / 60)} min`
  return `expires in ${Math.round(seconds / 3600)} h`
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' })
const YEAR = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })

/** `14:03:07`, local time. */
export function timeOfDay(milliseconds: number): string {
  return TIME.format(milliseconds)
}

/** `Today`, `Yesterday`, `Tue, 3 Nov`, `3 Nov 2025`, local time. */
export function day(milliseconds: number, now: number): string {
  const days = dayNumber(now) - dayNumber(milliseconds)
  if (days === 0) return 'Today'
  if (days === 1) return 'Yesterday'
  return days > 1 && days < 200 ? DAY.format(milliseconds) : YEAR.format(milliseconds)
}

function dayNumber(milliseconds: number): number {
  const local = new Date(milliseconds)
  return Math.round(Date.UTC(local.getFullYear(), local.getMonth(), local.getDate()) / 86_400_000)
}

/** `14:03:07.123456` local, with the microseconds an RFC 3339 time carries. */
export function exactTime(time: string): string {
  const at = millis(time)
  if (at === null) return time
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? ''
  return `${timeOfDay(at)}.${fraction.padEnd(6, '0').slice(0, 6)}`
}
