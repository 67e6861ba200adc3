// All of one resource, newest first, kept fresh by its events: for resources of which there are few.
import type { Page } from '../api'
import type { Envelope } from '../events'
import { listen, type Listener } from '../live.svelte'
import { api } from '../login/session.svelte'

/** Several events in a row are one change to a reader. */
const REFRESH_MS = 400
const PAGE_SIZE = 100
/** The exchange holds at most 10,000 of anything that people make. */
const PAGES = 100

export class Collection<T extends { id: string }> implements Listener {
  all = $state.raw<T[]>([])
  ready = $state(false)
  error = $state.raw<unknown>(null)
  readonly path: string
  readonly #event: string
  #timer: ReturnType<typeof setTimeout> | null = null
  #latest = 0

  /** `noun` as events name it, e.g. `agent`; `path` as the API does. */
  constructor(noun: string, path = `/v1.0/${noun}s`) {
    this.#event = `${noun}_`
    this.path = path
  }

  /** Reads it, and goes on doing so; the answer ends that. */
  follow(): () => void {
    void this.load()
    const quiet = listen(this)
    return () => {
      quiet()
      if (this.#timer) clearTimeout(this.#timer)
      this.#latest += 1
    }
  }

  onEvents(events: Envelope[]): void {
    if (!events.some((event) => event.type.startsWith(this.#event))) return
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      void this.load()
    }, REFRESH_MS)
  }

  onGap(): void {
    void this.load()
  }

  async load(): Promise<void> {
    const mine = ++this.#latest
    try {
      const found: T[] = []
      let token = ''
      for (let page = 0; page < PAGES; page += 1) {
        const after = token ? `&page_token=${encodeURIComponent(token)}` : ''
        const answer = await api.get<Page<T>>(`${this.path}?page_size=${PAGE_SIZE}${after}`)
        if (mine !== this.#latest) return
        found.push(...answer.result)
        token = answer.next_page_token ?? ''
        if (!token) break
      }
      this.all = found
      this.ready = true
      this.error = null
    } catch (error) {
      if (mine === this.#latest) this.error = error
    }
  }

  /** Makes one, or with `part` by a route of its own. */
  async create(body: unknown, part = ''): Promise<T> {
    const made = await api.post<T>(`${this.path}${part && `/${part}`}`, body)
    await this.load()
    return made
  }

  /** Changes one, or with `part` what has a route of its own. */
  async update(id: string, body: unknown, part = ''): Promise<T> {
    const changed = await api.put<T>(`${this.path}/${id}${part && `/${part}`}`, body)
    await this.load()
    return changed
  }

  async remove(id: string): Promise<void> {
    await api.delete(`${this.path}/${id}`)
    await this.load()
  }
}
