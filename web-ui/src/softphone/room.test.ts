import { expect, it } from 'vitest'
import { tidyRoom } from './room'

const exchange = (places: object[]) => {
  const asked: string[] = []
  return {
    asked,
    get: async <T>(path: string): Promise<T> => (asked.push(`GET ${path.split('?')[0]}`), { result: places } as T),
    delete: async <T>(path: string): Promise<T> => (asked.push(`DELETE ${path}`), undefined as T),
  }
}

it('a room goes once nobody is in it', async () => {
  const empty = exchange([{ conference_id: 'a', status: 'leaved' }, { conference_id: 'b', status: 'joined' }])
  await tidyRoom(empty, 'a', () => true, 0)
  expect(empty.asked).toEqual(['GET /v1.0/conferencecalls', 'DELETE /v1.0/conferences/a'])
})

it('and stays while somebody is', async () => {
  const full = exchange([{ conference_id: 'a', status: 'joined' }])
  await tidyRoom(full, 'a', () => true, 0)
  expect(full.asked).toEqual(['GET /v1.0/conferencecalls'])
})

it('nothing is done in the name of whoever logged in next', async () => {
  const other = exchange([])
  await tidyRoom(other, 'a', () => false, 0)
  expect(other.asked).toEqual([])
})
