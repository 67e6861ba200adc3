// The calls of the list page: first page, older pages, and every change since.
import type { Page } from '../api'
import type { Envelope } from '../events'
import type { Listener } from '../live.svelte'
import { api } from '../login/session.svelte'
import { apply, groups, merge, type Book } from './book'
import { isLive, type Call } from './call'

const PAGE_SIZE = 100
/** Pages of calls that are up, read at once: a call may be older than a hundred that ended since. */
const LIVE_PAGES = 5

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

  /** Reads the newest page and all calls that are up, and forgets what was there before. */
  async load(): Promise<void> {
    await this.#read(null, () => new Map())
  }

  async #live(): Promise<Call[]> {
    const found: Call[] = []
    let token = ''
    for (let page = 0; page < LIVE_PAGES; page += 1) {
      const answer = await calls(`live=true&page_token=${encodeURIComponent(token)}`)
      found.push(...answer.result)
      token = answer.next_page_token ?? ''
      if (!token) break
    }
    return found
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
      const [page, up] = await Promise.all([calls(`page_token=${encodeURIComponent(token ?? '')}`), token === null ? this.#live() : []])
      if (mine !== this.#latest) return
      this.#book = apply(merge(base(), [...page.result, ...up]), this.#since)
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

function calls(query: string): Promise<Page<Call>> {
  return api.get<Page<Call>>(`/v1.0/calls?page_size=${PAGE_SIZE}&${query}`)
}
