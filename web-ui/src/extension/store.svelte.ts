// The extensions and who is registered, kept fresh by events.
import type { Page } from '../api'
import type { Envelope } from '../events'
import type { Listener } from '../live.svelte'
import { api } from '../login/session.svelte'
import { byNumber, type Draft, type Extension } from './extension'

/** Events are facts about one contact; the list is read again for the whole picture, but not more often than this. */
const REFRESH_MS = 400
const PAGE_SIZE = 100
/** The exchange has at most 10,000. */
const PAGES = 100

export class ExtensionStore implements Listener {
  all = $state.raw<Extension[]>([])
  ready = $state(false)
  error = $state.raw<unknown>(null)
  #timer: ReturnType<typeof setTimeout> | null = null
  #latest = 0

  onEvents(events: Envelope[]): void {
    if (events.some((event) => event.type.startsWith('extension_'))) this.#refreshSoon()
  }

  onGap(): void {
    void this.load()
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#latest += 1
  }

  /** Reads all pages. */
  async load(): Promise<void> {
    const mine = ++this.#latest
    try {
      const found: Extension[] = []
      let token = ''
      for (let page = 0; page < PAGES; page += 1) {
        const after = token ? `&page_token=${encodeURIComponent(token)}` : ''
        const answer = await api.get<Page<Extension>>(`/v1.0/extensions?page_size=${PAGE_SIZE}${after}`)
        if (mine !== this.#latest) return
        found.push(...answer.result)
        token = answer.next_page_token ?? ''
        if (!token || answer.result.length === 0) break
      }
      this.all = found.sort(byNumber)
      this.ready = true
      this.error = null
    } catch (error) {
      if (mine === this.#latest) this.error = error
    }
  }

  async create(draft: Draft): Promise<Extension> {
    const made = await api.post<Extension>('/v1.0/extensions', draft)
    await this.load()
    return made
  }

  /** An empty password leaves the one there is. */
  async update(id: string, draft: Draft): Promise<Extension> {
    const { name, detail, password, encryption } = draft
    const changed = await api.put<Extension>(`/v1.0/extensions/${id}`, { name, detail, encryption, ...(password ? { password } : {}) })
    await this.load()
    return changed
  }

  async remove(id: string): Promise<void> {
    await api.delete(`/v1.0/extensions/${id}`)
    await this.load()
  }

  #refreshSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      void this.load()
    }, REFRESH_MS)
  }
}
