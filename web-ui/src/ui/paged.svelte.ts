// As many pages of a list as are shown, newest first, read anew as a whole: for resources of which there may be many.
import type { Envelope } from '../events'
import type { Listener } from '../live.svelte'
import { readPages } from './listing'
import { Refresh } from './refresh'

export class Paged<T> {
  all = $state.raw<T[]>([])
  ready = $state(false)
  busy = $state(false)
  error = $state.raw<unknown>(null)
  readonly path: string
  #next = $state('')
  #pages = 1
  #latest = 0

  constructor(path: string) {
    this.path = path
  }

  /** What the list is asked for besides, as `status=failed`. */
  protected get filter(): string {
    return ''
  }

  /** Whether there are older ones than those shown. */
  get hasMore(): boolean {
    return this.#next !== ''
  }

  async more(): Promise<void> {
    this.#pages += 1
    await this.load()
  }

  /** Begins again with the newest page. */
  async restart(): Promise<void> {
    this.#pages = 1
    await this.load()
  }

  /** Reads as many pages as are shown. */
  async load(): Promise<void> {
    const mine = ++this.#latest
    this.busy = true
    try {
      const pages = await readPages<T>(this.path, this.#pages, this.filter, () => mine === this.#latest)
      if (!pages) return
      this.all = pages.found
      this.#next = pages.next
      this.ready = true
      this.error = null
    } catch (error) {
      if (mine === this.#latest) this.error = error
    } finally {
      if (mine === this.#latest) this.busy = false
    }
  }

  /** What is still on its way is not wanted any more. */
  close(): void {
    this.#latest += 1
  }
}

/** The same, read again when events tell of it. */
export abstract class LivePaged<T> extends Paged<T> implements Listener {
  readonly #refresh = new Refresh(() => void this.load())

  /** Whether an event is about what is listed. */
  protected abstract isAbout(event: Envelope): boolean

  onEvents(events: Envelope[]): void {
    if (events.some((event) => this.isAbout(event))) this.#refresh.soon()
  }

  onGap(): void {
    void this.load()
  }

  override close(): void {
    this.#refresh.stop()
    super.close()
  }
}
