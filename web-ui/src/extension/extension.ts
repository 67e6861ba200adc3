// An extension as the API gives it, and the phones registered with it.
import type { Encryption } from '../ui/encryption'

/** One registered contact. */
export interface Registration {
  contact: string
  /** Where the phone's requests come from, `192.0.2.7:5060`. */
  address: string
  transport: string
  user_agent: string
  behind_nat: boolean
  tm_register?: string | null
  tm_expire: string
}

export interface Extension {
  id: string
  extension: string
  name: string
  detail: string
  domain_name?: string
  username?: string
  password?: string
  encryption?: Encryption
  registrations?: Registration[] | null
  tm_create: string
  tm_update: string | null
}

/** What the form holds. */
export interface Draft {
  extension: string
  name: string
  detail: string
  password: string
  encryption: Encryption
}

const NUMBER = /^[0-9A-Za-z._+*#-]{1,32}$/

/** What is wrong with a draft before the box is asked, by field. */
export function problems(draft: Draft, isNew: boolean): Partial<Record<keyof Draft, string>> {
  const found: Partial<Record<keyof Draft, string>> = {}
  if (isNew && !NUMBER.test(draft.extension)) found.extension = '1 to 32 digits, letters or . _ + * # -'
  if ((isNew || draft.password !== '') && draft.password.length < 8) found.password = 'At least 8 characters.'
  return found
}

const LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/** A password of 20 letters that cannot be mistaken for each other: 116 bits, typed on a phone's keys if need be. */
export function generatePassword(length = 20, draw: (bytes: Uint8Array) => Uint8Array = (bytes) => crypto.getRandomValues(bytes)): string {
  const fair = 256 - (256 % LETTERS.length)
  let password = ''
  while (password.length < length) {
    for (const byte of draw(new Uint8Array(length))) {
      if (byte < fair && password.length < length) password += LETTERS[byte % LETTERS.length]
    }
  }
  return password
}

/** By number as people sort numbers: 99 before 100, words after. */
export function byNumber(a: Extension, b: Extension): number {
  return a.extension.localeCompare(b.extension, 'en', { numeric: true })
}

/** The extensions in which number, name, detail or a phone's address contains the text. */
export function filterExtensions(extensions: Extension[], text: string): Extension[] {
  const wanted = text.trim().toLowerCase()
  if (!wanted) return extensions
  return extensions.filter((one) =>
    [one.extension, one.name, one.detail, ...(one.registrations ?? []).flatMap((phone) => [phone.address, phone.user_agent])].some((word) =>
      word?.toLowerCase().includes(wanted),
    ),
  )
}
