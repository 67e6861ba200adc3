// What calls cost and what is left, as the API gives it. Money is in micros, whole numbers of a millionth, and never a fraction.

export type CostType =
  | 'call_pstn_outgoing'
  | 'call_pstn_incoming'
  | 'call_vn'
  | 'call_extension'
  | 'sms'
  | 'email'
  | 'number'
  | 'number_renew'
  | 'tts'
  | 'recording'

export interface Account {
  name: string
  currency: string
  balance_credit: number
  prices: Partial<Record<CostType, number>>
  credit_limit: number
  low_balance: number
  is_low: boolean
  when_spent: 'end' | 'continue'
  announcement: string
  tm_last_topup: string | null
}

export interface Billing {
  id: string
  transaction_type: 'usage' | 'top_up' | 'adjustment'
  reference_type: string
  reference_id: string
  cost_type: CostType | ''
  usage_duration: number
  billable_units: number
  rate_credit_per_unit: number
  amount_credit: number
  balance_credit_snapshot: number
  tm_create: string
}

/** What has a price that can be set, and what the price is of. */
export const PRICED: [CostType, string, string][] = [
  ['call_pstn_outgoing', 'Calls to telephone numbers', 'a minute'],
  ['call_pstn_incoming', 'Calls from trunks and providers', 'a minute'],
  ['call_vn', 'Calls to virtual numbers', 'a minute'],
  ['sms', 'Texts to telephone numbers', 'each'],
  ['email', 'E-mails', 'each address'],
  ['tts', 'Texts that are spoken', 'each'],
  ['recording', 'Recordings', 'a minute'],
]

const MICROS = 1_000_000

/** Micros in words: `12.50`, `−0.012345`; two decimals at least. */
export function money(micros: number): string {
  const digits = String(Math.abs(micros)).padStart(7, '0')
  const decimals = digits.slice(-6).replace(/0{1,4}$/, '')
  return `${micros < 0 ? '−' : ''}${digits.slice(0, -6)}.${decimals}`
}

/** The micros of what somebody wrote, with a point or a comma; null where it is no amount, or has more than six decimals. */
export function micros(text: string): number | null {
  const found = /^\s*(\d{1,9})(?:[.,](\d{0,6}))?\s*$/.exec(text)
  if (!found) return null
  return Number(found[1]) * MICROS + Number((found[2] ?? '').padEnd(6, '0'))
}

/** What an entry of the ledger is for. */
export function purpose(one: Billing): string {
  if (one.transaction_type === 'top_up') return 'Paid in'
  if (one.transaction_type === 'adjustment') return 'Taken off'
  return PRICED.find(([cost]) => cost === one.cost_type)?.[1] ?? one.cost_type
}

/** How much of it there was: `3 × 0.02`. */
export function units(one: Billing): string {
  return one.billable_units ? `${one.billable_units} × ${money(one.rate_credit_per_unit)}` : ''
}

/** What is said of the balance where something has to be said. */
export function notice(account: Account): string {
  const rates = Object.values(account.prices)
  if (rates.length > 0 && account.balance_credit + account.credit_limit < Math.max(...rates)) {
    return account.when_spent === 'end' ? 'The balance is spent: calls that cost something are refused, and those that are up are ended.' : 'The balance is spent: new calls that cost something are refused.'
  }
  return account.is_low ? 'The balance is low.' : ''
}
