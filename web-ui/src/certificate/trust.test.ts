import { expect, it } from 'vitest'
import { fingerprintOf, octetsOf, STEPS, systemOf } from './trust'

it('each browser is shown its own steps first', () => {
  const of = (agent: string) => systemOf(`Mozilla/5.0 (${agent})`)
  expect(['Windows NT 10.0', 'Macintosh; Intel', 'iPhone; CPU', 'Linux; Android 14', 'X11; Linux', 'X11; Linux) Firefox/140'].map(of)).toEqual(['Windows', 'macOS', 'iPhone, iPad', 'Android', 'Debian, Ubuntu', 'Firefox'])
  for (const agent of ['Windows', 'iPhone', 'X11']) expect(STEPS.map((steps) => steps.system)).toContain(of(agent))
})

it('a fingerprint is that of the octets', async () => {
  const pem = '-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n'
  expect([...octetsOf(pem)]).toEqual([97, 98, 99])
  expect(await fingerprintOf(pem)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect([...octetsOf('nothing')]).toEqual([])
})
