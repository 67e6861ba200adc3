// The conferences and who is in them, kept fresh by events.
import type { Page } from '../api'
import type { Call } from '../call/call'
import type { Envelope } from '../events'
import type { Listener } from '../live.svelte'
import { api } from '../login/session.svelte'
import type { Conference, Conferencecall } from './conference'

/** Events come in bursts when somebody joins; the lists are read again once for all of them. */
const REFRESH_MS = 300
const PAGE_SIZE = 100
/** The exchange has at most 1,000 conferences. */
const PAGES = 10

export class ConferenceStore implements Listener {
  all = $state.raw<Conference[]>([])
  places = $state.raw<Conferencecall[]>([])
  calls = $state.raw<Call[]>([])
  ready = $state(false)
  error = $state.raw<unknown>(null)
  #timer: ReturnType<typeof setTimeout> | null = null
  #latest = 0

  onEvents(events: Envelope[]): void {
    if (events.some((event) => /^conference|^call_(updated|answered|hungup)$/.test(event.type))) this.#refreshSoon()
  }

  onGap(): void {
    void this.load()
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#latest += 1
  }

  async load(): Promise<void> {
    const mine = ++this.#latest
    try {
      const [all, places, calls] = await Promise.all([read<Conference>('conferences'), read<Conferencecall>('conferencecalls'), read<Call>('calls', 'live=true&')])
      if (mine !== this.#latest) return
      this.all = all
      this.places = places
      this.calls = calls
      this.ready = true
      this.error = null
    } catch (error) {
      if (mine === this.#latest) this.error = error
    }
  }

  async create(name: string, extension: string): Promise<void> {
    await api.post('/v1.0/conferences', { type: 'conference', name, data: extension ? { extension } : {} })
    await this.load()
  }

  /** Ends a conference, and the calls in it. */
  async end(id: string): Promise<void> {
    await this.#order(() => api.delete(`/v1.0/conferences/${id}`))
  }

  /** Sends one away. */
  async kick(place: string): Promise<void> {
    await this.#order(() => api.delete(`/v1.0/conferencecalls/${place}`))
  }

  /** Lets the others hear a phone, or not. */
  async mute(call: string, muted: boolean): Promise<void> {
    await this.#order(() => (muted ? api.post(`/v1.0/calls/${call}/mute`, { direction: 'in' }) : api.delete(`/v1.0/calls/${call}/mute`)))
  }

  async #order(ask: () => Promise<unknown>): Promise<void> {
    try {
      await ask()
    } catch (error) {
      this.error = error
    }
    this.#refreshSoon()
  }

  #refreshSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      void this.load()
    }, REFRESH_MS)
  }
}

async function read<T>(what: string, filter = ''): Promise<T[]> {
  const found: T[] = []
  let token = ''
  for (let page = 0; page < PAGES; page += 1) {
    const answer = await api.get<Page<T>>(`/v1.0/${what}?${filter}page_size=${PAGE_SIZE}&page_token=${encodeURIComponent(token)}`)
    found.push(...answer.result)
    token = answer.next_page_token ?? ''
    if (!token) break
  }
  return found
}
