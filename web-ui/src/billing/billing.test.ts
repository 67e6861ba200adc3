import { expect, it } from 'vitest'
import { type Account, type Billing, micros, money, notice, purpose, units } from './billing'

it('writes money without a fraction of a micro', () => {
  const cases: [number, string][] = [
    [0, '0.00'],
    [12_500_000, '12.50'],
    [-12_345, '−0.012345'],
    [20_000, '0.02'],
    [1_000_000_000_000_000, '1000000000.00'],
    [-1, '−0.000001'],
  ]
  for (const [amount, text] of cases) expect(money(amount)).toBe(text)
})

it('reads what people write', () => {
  expect(['12.5', '0,02', ' 7 ', '0.000001', '3.'].map(micros)).toEqual([12_500_000, 20_000, 7_000_000, 1, 3_000_000])
  expect(['', '-1', '1.2345678', 'ten', '1e3', '1234567890', '1.2.3'].map(micros)).toEqual([null, null, null, null, null, null, null])
})

const account: Account = {
  name: '',
  currency: 'EUR',
  balance_credit: 100,
  prices: { call_pstn_outgoing: 100 },
  credit_limit: 0,
  low_balance: 0,
  is_low: false,
  when_spent: 'end',
  announcement: '',
  tm_last_topup: null,
}

it('tells when the balance is low or spent', () => {
  expect(notice(account)).toBe('')
  expect(notice({ ...account, is_low: true })).toBe('The balance is low.')
  expect(notice({ ...account, balance_credit: 99 })).toContain('those that are up are ended')
  expect(notice({ ...account, balance_credit: 99, when_spent: 'continue' })).not.toContain('ended')
  expect(notice({ ...account, balance_credit: 0, credit_limit: 100 })).toBe('')
  expect(notice({ ...account, balance_credit: -5, prices: {} })).toBe('')
})

it('says what an entry is for', () => {
  const one: Billing = {
    id: '1',
    transaction_type: 'usage',
    reference_type: 'call',
    reference_id: '1',
    cost_type: 'call_pstn_outgoing',
    usage_duration: 61,
    billable_units: 2,
    rate_credit_per_unit: 20_000,
    amount_credit: -40_000,
    balance_credit_snapshot: 0,
    tm_create: '2026-11-22T10:00:00Z',
  }
  expect([purpose(one), units(one)]).toEqual(['Calls to telephone numbers', '2 × 0.02'])
  expect(units({ ...one, transaction_type: 'top_up', billable_units: 0 })).toBe('')
  expect(purpose({ ...one, transaction_type: 'top_up' })).toBe('Paid in')
  expect(purpose({ ...one, cost_type: 'sms' })).toBe('Texts to telephone numbers')
  expect(purpose({ ...one, cost_type: 'number' })).toBe('number')
})
