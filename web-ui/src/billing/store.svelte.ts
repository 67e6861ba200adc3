// The billing account and its ledger, read again when events tell of charges.
import type { Envelope } from '../events'
import { api } from '../login/session.svelte'
import { LivePaged } from '../ui/paged.svelte'
import type { Account, Billing } from './billing'

const ACCOUNT = '/v1.0/billing_account'

export class BillingStore extends LivePaged<Billing> {
  account = $state.raw<Account | null>(null)

  constructor() {
    super('/v1.0/billings')
  }

  override async load(): Promise<void> {
    try {
      this.account = await api.get<Account>(ACCOUNT)
    } catch (error) {
      this.error = error
      return
    }
    await super.load()
  }

  protected override isAbout(event: Envelope): boolean {
    return event.type.startsWith('billing_')
  }

  async save(change: Partial<Account>): Promise<void> {
    this.account = await api.put<Account>(ACCOUNT, change)
  }

  /** Adds to the balance, or takes from it; with the same key it is done once, however often it is tried. */
  async adjust(way: 'add' | 'subtract', balance_credit: number, idempotency_key: string): Promise<void> {
    await api.post(`${ACCOUNT}/balance_${way}_force`, { balance_credit, idempotency_key })
    await this.load()
  }
}
