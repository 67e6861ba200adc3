import { describe, expect, it, vi } from 'vitest'
import { Api, ApiError, readError, retrySeconds, sentence } from './api'

const envelope = (reason: string, message: string) => JSON.stringify({ error: { status: 'X', reason, message, request_id: 'r-1' } })

function apiThat(response: Response | Error) {
  const calls = { ended: 0, box: 0 }
  const fetch = vi.fn(async (_path: string, _init: RequestInit) => {
    if (response instanceof Error) throw response
    return response
  })
  const options = { token: () => 'secret', onUnauthenticated: () => void (calls.ended += 1), onClock: (box: number) => void (calls.box = box) }
  return { api: new Api({ ...options, fetch: fetch as unknown as typeof globalThis.fetch }), fetch, calls }
}

describe('the error envelope', () => {
  it('gives reason, message and request', () => {
    const error = readError({ status: 409, body: envelope('ALREADY_EXISTS', 'extension 1001 already exists'), retryAfter: null })
    expect(error).toMatchObject({ status: 409, reason: 'ALREADY_EXISTS', message: 'Extension 1001 already exists.', requestId: 'r-1', retryAfter: null })
  })
  it.each(['', '<html>', 'null', '[]', '{"error":7}', '{"error":{"message":7}}'])('is not needed: %j', (body) => {
    expect(readError({ status: 502, body, retryAfter: null })).toMatchObject({ status: 502, reason: 'UNKNOWN', message: 'The exchange answered 502.' })
  })
  it('says when to come back', () => {
    const now = Date.UTC(2026, 0, 1)
    expect([null, '', '12', '0', 'tomorrow', new Date(now + 5000).toUTCString()].map((header) => retrySeconds(header, now))).toEqual([null, null, 12, 1, null, 5])
  })
  it('becomes a sentence', () => {
    expect(['', 'bad number', 'Too late!'].map(sentence)).toEqual(['', 'Bad number.', 'Too late!'])
  })
})

describe('a request', () => {
  it('carries the token and a JSON body', async () => {
    const { api, fetch } = apiThat(new Response('{"id":"1"}'))
    expect(await api.post('/v1.0/extensions', { name: 'é' })).toEqual({ id: '1' })
    const init = fetch.mock.calls[0]![1]
    expect(init.headers).toMatchObject({ authorization: 'Bearer secret', 'content-type': 'application/json' })
    expect(init.body).toBe('{"name":"é"}')
  })
  it('takes an empty answer as none', async () => {
    expect(await apiThat(new Response(null, { status: 204 })).api.delete('/x')).toBeUndefined()
  })
  it('ends the session on 401', async () => {
    const { api, calls } = apiThat(new Response(envelope('AUTHENTICATION_REQUIRED', 'no'), { status: 401 }))
    await expect(api.get('/x')).rejects.toThrow('No.')
    expect(calls.ended).toBe(1)
  })
  it('does not end the session on 403', async () => {
    const { api, calls } = apiThat(new Response('', { status: 403 }))
    await expect(api.get('/x')).rejects.toBeInstanceOf(ApiError)
    expect(calls.ended).toBe(0)
  })
  it('says that nobody is there', async () => {
    await expect(apiThat(new TypeError('Failed to fetch')).api.get('/x')).rejects.toMatchObject({ status: 0, reason: 'UNREACHABLE' })
    await expect(apiThat(new DOMException('', 'TimeoutError')).api.get('/x')).rejects.toMatchObject({ reason: 'TIMEOUT' })
  })
  it('refuses what is not JSON', async () => {
    await expect(apiThat(new Response('<html>')).api.get('/x')).rejects.toMatchObject({ reason: 'INVALID_ANSWER' })
  })
  it('hears the clock of the box', async () => {
    const { api, calls } = apiThat(new Response('{}', { headers: { date: 'Thu, 01 Jan 1970 00:10:00 GMT' } }))
    await api.get('/x')
    expect(calls.box).toBe(600_000)
  })
})
