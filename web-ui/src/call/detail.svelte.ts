// One call's page: the call with all its legs, and its ladder, kept fresh while it is up.
import type { Envelope } from '../events'
import type { Listener } from '../live.svelte'
import { api } from '../login/session.svelte'
import { apply, callOf, groups, merge, type Book } from './book'
import { isLive, masterOf, type Call, type CallGroup } from './call'
import { drawable, type Sequence } from './ladder/sequence'

/** Events come a moment before the last steps are written down. */
const SETTLE_MS = 150
/** Steps without an event (a keep-alive, a retransmission) are seen this much later at most. */
const POLL_MS = 2000

export class CallDetail implements Listener {
  readonly #id: string
  #book = $state.raw<Book>(new Map())
  sequence = $state.raw<Sequence | null>(null)
  error = $state.raw<unknown>(null)
  ladderError = $state.raw<unknown>(null)
  #timer: ReturnType<typeof setTimeout> | undefined
  #reading = false
  #again = false

  constructor(id: string) {
    this.#id = id
  }

  /** The whole call, whichever of its legs was asked for. */
  readonly group = $derived.by((): CallGroup | null => groups(this.#book, true).find((row) => [row.master, ...row.legs].some((call) => call.id === this.#id)) ?? null)

  readonly live = $derived(this.group !== null && [this.group.master, ...this.group.legs].some(isLive))

  onEvents(events: Envelope[]): void {
    const mine = events.filter((event) => this.#concerns(callOf(event)))
    if (mine.length === 0) return
    this.#book = apply(this.#book, mine)
    this.#readLadderSoon(SETTLE_MS)
  }

  onGap(): void {
    void this.load()
  }

  take(call: Call): void {
    this.#book = merge(this.#book, [call])
  }

  /** Reads the call, its legs and its ladder. */
  async load(): Promise<void> {
    try {
      const asked = await this.#call(this.#id)
      const masterId = masterOf(asked)
      const master = masterId ? await this.#call(masterId) : asked
      const legs = await Promise.all((master.chained_call_ids ?? []).filter((id) => id !== asked.id).map((id) => this.#call(id)))
      this.#book = merge(this.#book, [master, asked, ...legs])
      this.error = null
    } catch (error) {
      this.error = error
      return
    }
    await this.readLadder()
  }

  /** Reads the ladder; while the call is up, again and again. */
  async readLadder(): Promise<void> {
    if (this.#reading) {
      this.#again = true
      return
    }
    this.#reading = true
    try {
      const id = this.group?.master.id ?? this.#id
      this.sequence = drawable(await api.get<Sequence>(`/v1.0/calls/${id}/sequence`))
      this.ladderError = null
    } catch (error) {
      this.ladderError = error
    } finally {
      this.#reading = false
    }
    if (this.#again) this.#readLadderSoon(SETTLE_MS)
    else if (this.live) this.#readLadderSoon(POLL_MS)
    this.#again = false
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#reading = true
  }

  #readLadderSoon(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.readLadder(), milliseconds)
  }

  #call(id: string): Promise<Call> {
    return api.get<Call>(`/v1.0/calls/${encodeURIComponent(id)}`)
  }

  #concerns(call: Call | null): boolean {
    if (!call) return false
    return this.#book.has(call.id) || this.#book.has(masterOf(call) ?? '')
  }
}
