// What is loaded together once the softphone is wanted.
import { callsRinging, whoOf } from './calls'
import { phone } from './phone.svelte'

export { default as Bar } from './bar.svelte'
export { default as Page } from './page.svelte'
export { phone }

/** Who rings; the longest waiting. */
export function caller(): string {
  const first = callsRinging(phone.calls)[0]
  return first ? whoOf(first) : ''
}
