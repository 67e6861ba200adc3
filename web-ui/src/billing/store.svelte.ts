// The billing account and its ledger, read again when events tell of charges.
import type { Envelope } from '../events'
import type { Listener } from '../live.svelte'
import { api } from '../login/session.svelte'
import { Paged } from '../ui/paged.svelte'
import type { Account, Billing } from './billing'

const REFRESH_MS = 400
const ACCOUNT = '/v1.0/billing_account'

export class BillingStore extends Paged<Billing> implements Listener {
  account = $state.raw<Account | null>(null)
  #timer: ReturnType<typeof setTimeout> | null = null

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

  onEvents(events: Envelope[]): void {
    if (!events.some((event) => event.type.startsWith('billing_'))) return
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      void this.load()
    }, REFRESH_MS)
  }

  onGap(): void {
    void this.load()
  }

  override close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    super.close()
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
