// Whether audio is encrypted with an extension or a provider, as the API says it.

/** Empty: as the box is set. */
export type Encryption = '' | 'off' | 'optional' | 'required'

/** What can be chosen, in words. */
export const ENCRYPTIONS: readonly { value: Encryption; text: string }[] = [
  { value: '', text: 'as the exchange is set' },
  { value: 'off', text: 'never' },
  { value: 'optional', text: 'where it can' },
  { value: 'required', text: 'always; refuse calls without' },
]
