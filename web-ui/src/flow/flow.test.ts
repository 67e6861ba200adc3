import { expect, test } from 'vitest'
import { actionAt, readActions, readFindings, writeActions } from './flow'

const A = '11111111-1111-1111-1111-111111111111'
const B = '22222222-2222-2222-2222-222222222222'

test('only ids that something points at are shown', () => {
  const text = writeActions([
    { id: A, next_id: '00000000-0000-0000-0000-000000000000', type: 'answer', option: {} },
    { id: B, type: 'goto', option: { target_id: A } },
  ])
  expect(JSON.parse(text)).toEqual([{ id: A, type: 'answer' }, { type: 'goto', option: { target_id: A } }])
  expect(readActions(text)).toHaveLength(2)
})

test('what is no list of actions is told in words', () => {
  expect(() => readActions('[')).toThrow(/no JSON/)
  expect(() => readActions('{}')).toThrow(/list/)
})

test('findings say which action they are about', () => {
  const found = readFindings([{ field: 'actions[3].option.target_id', reason: 'leads nowhere' }, { at: 'actions', reason: 'are empty' }, { odd: 1 }])
  expect(found.map(actionAt)).toEqual([3, null])
  expect(readFindings('x')).toEqual([])
})
