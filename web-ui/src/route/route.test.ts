import { expect, test } from 'vitest'
import { inOrder, type RouteRecord } from './route'

test('routes stand in the order in which they are tried', () => {
  const route = (target: string, priority: number): RouteRecord => ({ id: `${target}/${priority}`, provider_id: '', target, priority, name: '', detail: '' })
  const order = inOrder([route('all', 1), route('+1', 5), route('+4930', 2), route('+4930', 1), route('+49', 0)])
  expect(order.map((one) => one.id)).toEqual(['+4930/1', '+4930/2', '+49/0', '+1/5', 'all/1'])
})
