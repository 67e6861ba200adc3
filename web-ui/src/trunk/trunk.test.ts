import { expect, test } from 'vitest'
import { bodyOf, draftOf } from './trunk'

test('what proves a trunk follows from what is filled in', () => {
  const draft = { ...draftOf(undefined), domain_name: ' telco ', allowed_ips: '192.0.2.1, 198.51.100.0/24\n' }
  expect(bodyOf(draft)).toEqual({ domain_name: 'telco', name: '', auth_types: ['ip'], allowed_ips: ['192.0.2.1', '198.51.100.0/24'], username: '' })
  expect(bodyOf({ ...draft, username: 'telco', password: 'secret' })).toMatchObject({ auth_types: ['basic', 'ip'], password: 'secret' })
  expect(bodyOf(draftOf(undefined))).toMatchObject({ auth_types: [] })
})
