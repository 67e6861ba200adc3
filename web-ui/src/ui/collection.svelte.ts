// All of one resource, newest first, kept fresh by its events: for resources of which there are few.
import type { Envelope } from '../events'
import { listen, type Listener } from '../live.svelte'
import { api } from '../login/session.svelte'
import { readPages } from './listing'
import { Refresh } from './refresh'

/** The exchange holds at most 10,000 of anything that people make. */
const PAGES = 100

export class Collection<T extends { id: string }> implements Listener {
  all = $state.raw<T[]>([])
  ready = $state(false)
  error = $state.raw<unknown>(null)
  readonly path: string
  readonly #event: string
  readonly #refresh = new Refresh(() => void this.load())
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
      this.#refresh.stop()
      this.#latest += 1
    }
  }

  onEvents(events: Envelope[]): void {
    if (events.some((event) => event.type.startsWith(this.#event))) this.#refresh.soon()
  }

  onGap(): void {
    void this.load()
  }

  async load(): Promise<void> {
    const mine = ++this.#latest
    try {
      const pages = await readPages<T>(this.path, PAGES, '', () => mine === this.#latest)
      if (!pages) return
      this.all = pages.found
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
