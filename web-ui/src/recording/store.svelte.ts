// The recordings of the list page, read again when events tell of some.
import type { Envelope } from '../events'
import type { Listener } from '../live.svelte'
import { api } from '../login/session.svelte'
import { Paged } from '../ui/paged.svelte'
import { isAboutRecordings, type Recording } from './recording'

const REFRESH_MS = 400

export class RecordingStore extends Paged<Recording> implements Listener {
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor() {
    super('/v1.0/recordings')
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

  override close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    super.close()
  }

  async remove(id: string): Promise<void> {
    await api.delete(`${this.path}/${id}`)
    await this.load()
  }

  /** A link that counts from now on. */
  async link(id: string): Promise<string> {
    return (await api.get<Recording>(`${this.path}/${id}`)).url
  }
}
