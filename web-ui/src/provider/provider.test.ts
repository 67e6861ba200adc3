import { expect, test } from 'vitest'
import { bodyOf, draftOf, nameOf, stateOf, type Provider } from './provider'

const PROVIDER: Provider = {
  id: 'one',
  hostname: 'sip.example.org',
  port: null,
  transport: null,
  tech_prefix: '',
  tech_postfix: '',
  codecs: '',
  caller_id: '',
  encryption: '',
  tls_roots: '',
  name: '',
  detail: '',
  register: { realm: '', username: 'box', expires: 600 },
  health_status: 'healthy',
  metadata: { registration: { status: 'registered', answer: '200 OK', until: null } },
}

function having(status: 'unregistered' | 'registering' | 'registered' | 'failing', answer: string, health: Provider['health_status']): Provider {
  return { ...PROVIDER, health_status: health, metadata: { registration: { status, answer, until: null } } }
}

test('its state is one word, and what keeps calls away comes first', () => {
  expect(stateOf(PROVIDER)).toEqual({ word: 'registered', look: 'good', why: '' })
  expect(stateOf(having('failing', '403 Forbidden', 'healthy'))).toEqual({ word: 'not registered', look: 'bad', why: '403 Forbidden' })
  const { metadata } = PROVIDER
  expect(stateOf({ ...PROVIDER, metadata: { ...metadata, trouble: 'its certificate has expired' } })).toEqual({ word: 'no connection', look: 'bad', why: 'its certificate has expired' })
  expect(stateOf(having('registered', '', 'unhealthy')).word).toBe('not answering')
  expect(stateOf(having('unregistered', '', 'healthy')).word).toBe('answering')
  expect(stateOf(having('unregistered', '', 'unknown')).look).toBe('')
})

test('what was not touched is asked for as it was', () => {
  expect(bodyOf(draftOf(PROVIDER), PROVIDER)).toEqual({
    hostname: 'sip.example.org',
    port: 0,
    name: '',
    caller_id: '',
    tech_prefix: '',
    codecs: '',
    encryption: '',
    tls_roots: '',
    register: { username: 'box', expires: 600 },
  })
})

test('a new one registers, and a password is sent where one was written', () => {
  const draft = { ...draftOf(undefined), hostname: '192.0.2.1', port: '5070', transport: 'tcp', username: ' box ', password: 'secret' }
  expect(bodyOf(draft, undefined)).toMatchObject({ port: 5070, transport: 'tcp', register: { username: 'box', password: 'secret', expires: 3600 } })
  expect(bodyOf({ ...draft, registers: false }, undefined)).toMatchObject({ register: { expires: 0 } })
  expect(bodyOf({ ...draft, targets: ' +49, +33' }, undefined)).toMatchObject({ targets: ['+49', '+33'] })
  expect(nameOf({ ...PROVIDER, name: 'Telco' })).toBe('Telco')
})
