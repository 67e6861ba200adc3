// The recordings of the list page, read again when events tell of some.
import type { Envelope } from '../events'
import { api } from '../login/session.svelte'
import { LivePaged } from '../ui/paged.svelte'
import { isAboutRecordings, type Recording } from './recording'

export class RecordingStore extends LivePaged<Recording> {
  constructor() {
    super('/v1.0/recordings')
  }

  protected override isAbout(event: Envelope): boolean {
    return isAboutRecordings(event)
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
