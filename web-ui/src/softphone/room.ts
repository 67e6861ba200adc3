// A conference room for the calls of the softphone, made by the public API and taken away when nobody is in it any more.
import type { Api, Page } from '../api'
import type { Conference, Conferencecall } from '../conference/conference'

/** The room ends by itself after so many seconds, whoever forgets it. */
const LIFE_SECONDS = 8 * 3600
/** So long the exchange needs to let somebody go. */
const LEAVING_MS = 1000

/** Makes one, and says its id. */
export async function makeRoom(api: Pick<Api, 'post'>, extension: string): Promise<string> {
  const made = await api.post<Conference>('/v1.0/conferences', { type: 'conference', name: `Called together by ${extension}`, timeout: LIFE_SECONDS })
  return made.id
}

/** Takes one away that is empty, unless somebody else is logged in by then. */
export async function tidyRoom(api: Pick<Api, 'get' | 'delete'>, id: string, isStillUs: () => boolean, wait = LEAVING_MS): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, wait))
  if (!isStillUs()) return
  try {
    const places = await api.get<Page<Conferencecall>>('/v1.0/conferencecalls?page_size=100')
    const isThere = places.result.some((place) => place.conference_id === id && place.status !== 'leaved')
    if (!isThere) await api.delete(`/v1.0/conferences/${id}`)
  } catch {
    // It ends by itself.
  }
}

/** The rooms there are. */
export async function rooms(api: Pick<Api, 'get'>): Promise<Conference[]> {
  return (await api.get<Page<Conference>>('/v1.0/conferences?page_size=100')).result
}
