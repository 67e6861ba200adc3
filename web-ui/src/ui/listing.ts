// The pages of a list, one after the other.
import type { Page } from '../api'
import { api } from '../login/session.svelte'

const PAGE_SIZE = 100

export interface Pages<T> {
  found: T[]
  /** What leads to the next one; empty: there is none. */
  next: string
}

/** Reads as many pages as `most` and as there are; null once nobody wants them any more. `filter` as `status=failed`. */
export async function readPages<T>(
  path: string,
  most: number,
  filter: string,
  wanted: () => boolean,
): Promise<Pages<T> | null> {
  const found: T[] = []
  let next = ''
  for (let page = 0; page < most; page += 1) {
    const query = [`page_size=${PAGE_SIZE}`, next && `page_token=${encodeURIComponent(next)}`, filter]
    const answer = await api.get<Page<T>>(`${path}?${query.filter(Boolean).join('&')}`)
    if (!wanted()) return null
    found.push(...answer.result)
    next = answer.next_page_token ?? ''
    if (!next) break
  }
  return { found, next }
}
