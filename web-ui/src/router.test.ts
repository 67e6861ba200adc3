import { expect, it } from 'vitest'
import { callHref, parseRoute } from './router'

it('reads addresses', () => {
  expect(['', '#', '#/', '#/calls', '#/calls/'].map((hash) => parseRoute(hash).page)).toEqual(Array(5).fill('calls'))
  expect(parseRoute('#/calls/a%2Fb')).toEqual({ page: 'call', id: 'a/b' })
  expect(parseRoute(callHref('ä/%'))).toEqual({ page: 'call', id: 'ä/%' })
  expect(parseRoute('#/calls/%')).toEqual({ page: 'call', id: '%' })
  expect(parseRoute('#/conferences')).toEqual({ page: 'conferences' })
  expect(parseRoute('#/extensions')).toEqual({ page: 'extensions' })
  expect(parseRoute('#/recordings')).toEqual({ page: 'recordings' })
  expect(['#/x', '#/calls/1/2', '#/extensions/1'].map((hash) => parseRoute(hash).page)).toEqual(Array(3).fill('unknown'))
})
