// The recordings of the list page, read again when events tell of some.
import type { Page } from '../api'
import type { Envelope } from '../events'
import type { Listener } from '../live.svelte'
import { api } from '../login/session.svelte'
import { isAboutRecordings, type Recording } from './recording'

const REFRESH_MS = 400
const PAGE_SIZE = 100

export class RecordingStore implements Listener {
  all = $state.raw<Recording[]>([])
  ready = $state(false)
  busy = $state(false)
  error = $state.raw<unknown>(null)
  #next = $state('')
  #pages = 1
  #timer: ReturnType<typeof setTimeout> | null = null
  #latest = 0

  /** Whether there are older ones than those shown. */
  get hasMore(): boolean {
    return this.#next !== ''
  }

  onEvents(events: Envelope[]): void {
    if (!events.some(isAboutRecordings)) return
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      void this.load()
    }, REFRESH_MS)
  }

  onGap(): void {
    void this.load()
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#latest += 1
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
      const found: Recording[] = []
      let token = ''
      for (let page = 0; page < this.#pages; page += 1) {
        const answer = await api.get<Page<Recording>>(`/v1.0/recordings?page_size=${PAGE_SIZE}&page_token=${encodeURIComponent(token)}`)
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

  async remove(id: string): Promise<void> {
    await api.delete(`/v1.0/recordings/${id}`)
    await this.load()
  }

  /** A link that counts from now on. */
  async link(id: string): Promise<string> {
    return (await api.get<Recording>(`/v1.0/recordings/${id}`)).url
  }
}
