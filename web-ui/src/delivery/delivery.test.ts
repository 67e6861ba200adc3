import { expect, it } from 'vitest'
import { outcome, place, statusWord } from './delivery'

it('names the state', () => {
  expect((['waiting', 'delivered', 'failed'] as const).map((status) => statusWord(status).tone)).toEqual(['warn', 'good', 'bad'])
})

it('says what came of a try', () => {
  const once = { tm: '2026-11-22T10:00:00Z', status_code: 200, reason: '', duration_ms: 3 }
  expect(outcome(once)).toBe('The server answers 200')
  expect(outcome({ ...once, status_code: 0, reason: 'it takes too long' })).toBe('it takes too long')
})

it('shows no secrets of a URL', () => {
  expect(place('https://user:secret@example.org/hook?key=1234')).toBe('https://example.org/hook?…')
  expect(place('http://192.0.2.7:8080/a')).toBe('http://192.0.2.7:8080/a')
  expect(place('nothing')).toBe('nothing')
})
