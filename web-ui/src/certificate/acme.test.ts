import { expect, it } from 'vitest'
import { acmeBody, acmeDraft, acmeWord, type Acme } from './acme'

const KNOWN: Acme = { directory_url: 'https://acme.example/dir', contact: 'a@example.com', names: ['a.example.com', 'b.example.com'], challenge: 'dns-01', status: 'failing', failure: 'no', tm_end: null, tm_next: null }

it('what is known is asked for again, but for secrets', () => {
  const draft = acmeDraft(KNOWN)
  expect([draft.names, draft.challenge, draft.dns_hook_url, draft.terms_of_service_agreed]).toEqual(['a.example.com b.example.com', 'dns-01', '', false])
  expect(acmeBody({ ...draft, names: ' a.example.com,b.example.com\n' })).toMatchObject({ names: KNOWN.names, dns_hook_url: '' })
  expect(acmeBody({ ...draft, challenge: 'http-01' })).not.toHaveProperty('dns_hook_url')
  expect(acmeDraft(null).directory_url).toContain('letsencrypt')
})

it('its state is a word', () => {
  expect(acmeWord(KNOWN)).toEqual({ word: 'Not signed', tone: 'bad' })
  expect(acmeWord({ ...KNOWN, status: 'valid' }).tone).toBe('good')
})
