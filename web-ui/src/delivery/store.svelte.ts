// The deliveries of the list page. No event tells of them (it would have to be delivered), so they are read again now and then.
import { api } from '../login/session.svelte'
import { Paged } from '../ui/paged.svelte'
import type { Delivery, DeliveryStatus } from './delivery'

const REFRESH_MS = 3_000

export class DeliveryStore extends Paged<Delivery> {
  status = $state<DeliveryStatus | ''>('')

  constructor() {
    super('/v1.0/webhook_deliveries')
  }

  protected override get filter(): string {
    return `status=${this.status}`
  }

  /** Reads them, and goes on doing so while the page is seen; the answer ends that. */
  follow(): () => void {
    void this.load()
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible' && !this.busy) void this.load()
    }, REFRESH_MS)
    return () => {
      clearInterval(timer)
      this.close()
    }
  }

  async choose(status: DeliveryStatus | ''): Promise<void> {
    this.status = status
    await this.restart()
  }

  /** All that are shown and failed, the oldest first, as they happened. */
  async retryAll(): Promise<void> {
    for (const one of this.all.filter((one) => one.status === 'failed').reverse()) await api.post(`${this.path}/${one.id}/retry`)
    await this.load()
  }

  async retry(id: string): Promise<void> {
    await api.post(`${this.path}/${id}/retry`)
    await this.load()
  }
}
