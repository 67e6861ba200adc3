// The calls of the list page: first page, older pages, and every change since.
import type { Page } from '../api'
import type { Envelope } from '../events'
import type { Listener } from '../live.svelte'
import { api } from '../login/session.svelte'
import { apply, groups, merge, type Book } from './book'
import { isLive, type Call } from './call'

const PAGE_SIZE = 100

export class CallStore implements Listener {
  #book = $state.raw<Book>(new Map())
  #next = $state<string | null>(null)
  /** Whether the first page has come. */
  ready = $state(false)
  busy = $state(false)
  error = $state.raw<unknown>(null)
  #since: Envelope[] = []
  #latest = 0

  readonly #rows = $derived(groups(this.#book, this.#next === null))

  get live() {
    return this.#rows.filter((row) => isLive(row.master) || row.legs.some(isLive))
  }

  get history() {
    return this.#rows.filter((row) => !isLive(row.master) && !row.legs.some(isLive))
  }

  /** Whether there are older calls than those shown. */
  get hasMore(): boolean {
    return this.#next !== null
  }

  onEvents(events: Envelope[]): void {
    this.#book = apply(this.#book, events)
    if (this.busy) this.#since.push(...events)
  }

  onGap(): void {
    void this.load()
  }

  /** Reads the newest page and forgets what was there before. */
  async load(): Promise<void> {
    await this.#read(null, () => new Map())
  }

  /** Reads the next older page. */
  async more(): Promise<void> {
    if (this.#next !== null && !this.busy) await this.#read(this.#next, () => this.#book)
  }

  /** Takes in a call that an operation answered with. */
  take(call: Call): void {
    this.#book = merge(this.#book, [call])
  }

  /** What happened while the answer was on its way is newer than the answer. */
  async #read(token: string | null, base: () => Book): Promise<void> {
    const mine = ++this.#latest
    this.busy = true
    this.#since = []
    try {
      const after = token === null ? '' : `&page_token=${encodeURIComponent(token)}`
      const page = await api.get<Page<Call>>(`/v1.0/calls?page_size=${PAGE_SIZE}${after}`)
      if (mine !== this.#latest) return
      this.#book = apply(merge(base(), page.result), this.#since)
      this.#next = page.next_page_token || null
      this.ready = true
      this.error = null
    } catch (error) {
      if (mine === this.#latest) this.error = error
    } finally {
      if (mine === this.#latest) this.busy = false
    }
  }
}
