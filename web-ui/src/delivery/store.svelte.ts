// The deliveries of the list page. No event tells of them (it would have to be delivered), so they are read again now and then.
import type { Page } from '../api'
import { api } from '../login/session.svelte'
import type { Delivery, DeliveryStatus } from './delivery'

const REFRESH_MS = 3_000
const PAGE_SIZE = 100

export class DeliveryStore {
  all = $state.raw<Delivery[]>([])
  ready = $state(false)
  busy = $state(false)
  error = $state.raw<unknown>(null)
  status = $state<DeliveryStatus | ''>('')
  #next = $state('')
  #pages = 1
  #latest = 0

  /** Whether there are older ones than those shown. */
  get hasMore(): boolean {
    return this.#next !== ''
  }

  /** Reads them, and goes on doing so while the page is seen; the answer ends that. */
  follow(): () => void {
    void this.load()
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible' && !this.busy) void this.load()
    }, REFRESH_MS)
    return () => {
      clearInterval(timer)
      this.#latest += 1
    }
  }

  async choose(status: DeliveryStatus | ''): Promise<void> {
    this.status = status
    this.#pages = 1
    await this.load()
  }

  async more(): Promise<void> {
    this.#pages += 1
    await this.load()
  }

  /** Reads as many pages as are shown. */
  async load(): Promise<void> {
    const mine = ++this.#latest
    this.busy = true
    try {
      const found: Delivery[] = []
      let token = ''
      for (let page = 0; page < this.#pages; page += 1) {
        const query = `page_size=${PAGE_SIZE}&status=${this.status}&page_token=${encodeURIComponent(token)}`
        const answer = await api.get<Page<Delivery>>(`/v1.0/webhook_deliveries?${query}`)
        if (mine !== this.#latest) return
        found.push(...answer.result)
        token = answer.next_page_token ?? ''
        if (!token) break
      }
      this.all = found
      this.#next = token
      this.ready = true
      this.error = null
    } catch (error) {
      if (mine === this.#latest) this.error = error
    } finally {
      if (mine === this.#latest) this.busy = false
    }
  }

  async retry(id: string): Promise<void> {
    await api.post(`/v1.0/webhook_deliveries/${id}/retry`)
    await this.load()
  }
}
