// Requests to the REST API: bearer token, error envelope, the box's own clock.

/** A request that did not succeed; `message` is fit to be shown as it is. */
export class ApiError extends Error {
  readonly status: number
  readonly reason: string
  readonly requestId: string
  /** Seconds to wait before the next try, where the answer says so. */
  readonly retryAfter: number | null
  /** What exactly is wrong, e.g. which field. */
  readonly details: unknown

  constructor(status: number, reason: string, message: string, requestId = '', retryAfter: number | null = null, details: unknown = null) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.reason = reason
    this.requestId = requestId
    this.retryAfter = retryAfter
    this.details = details
  }
}

/** One page of a list, newest first. */
export interface Page<T> {
  result: T[]
  next_page_token?: string | null
}

/** The parts of a response that an error is read from. */
export interface Failure {
  status: number
  body: string
  retryAfter: string | null
}

/** Reads the error envelope; anything else that is not 2xx becomes an error as well. */
export function readError(failure: Failure): ApiError {
  const wait = retrySeconds(failure.retryAfter)
  const envelope = errorOf(failure.body)
  const message = text(envelope?.['message']) || `The exchange answered ${failure.status}.`
  const reason = text(envelope?.['reason']) || 'UNKNOWN'
  return new ApiError(failure.status, reason, sentence(message), text(envelope?.['request_id']), wait, envelope?.['details'])
}

function errorOf(body: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(body)
    if (!isRecord(parsed)) return null
    return isRecord(parsed['error']) ? parsed['error'] : null
  } catch {
    return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** `Retry-After` in seconds or as a date; never below one second. */
export function retrySeconds(header: string | null, now = Date.now()): number | null {
  if (!header) return null
  if (/^\s*\d+\s*$/.test(header)) return Math.max(1, Number(header))
  const at = Date.parse(header)
  return Number.isNaN(at) ? null : Math.max(1, Math.ceil((at - now) / 1000))
}

/** First letter large, full stop at the end: the envelope's messages come in both fashions. */
export function sentence(message: string): string {
  const trimmed = message.trim()
  if (!trimmed) return trimmed
  const large = trimmed[0]!.toUpperCase() + trimmed.slice(1)
  return /[.!?…]$/.test(large) ? large : `${large}.`
}

/** What any thrown thing says to a person. */
export function explain(error: unknown): string {
  return error instanceof Error ? error.message : 'Something went wrong.'
}

interface ApiOptions {
  token: () => string | null
  onUnauthenticated: () => void
  onClock?: (box: number) => void
  fetch?: typeof fetch
}

/** How long an answer may take; the box is near, so silence is an error. */
const PATIENCE_MS = 15_000

/** The REST API with a session. */
export class Api {
  readonly #options: ApiOptions

  constructor(options: ApiOptions) {
    this.#options = options
  }

  get<T>(path: string): Promise<T> {
    return this.request<T>('GET', path)
  }

  post<T>(path: string, body?: unknown): Promise<T> {
    return this.request<T>('POST', path, body)
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.request<T>('PUT', path, body)
  }

  delete<T>(path: string): Promise<T> {
    return this.request<T>('DELETE', path)
  }

  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const token = this.#options.token()
    const response = await this.#send(method, path, token, body)
    this.#tellClock(response)
    const content = await response.text()
    if (response.ok) return parse<T>(content)
    if (response.status === 401 && token) this.#options.onUnauthenticated()
    throw readError({ status: response.status, body: content, retryAfter: response.headers.get('retry-after') })
  }

  /** A file that the exchange makes; that takes as long as it takes. */
  async file(method: string, path: string, body?: unknown): Promise<Blob> {
    const token = this.#options.token()
    const response = await this.#send(method, path, token, body, null)
    if (response.ok) {
      return await response.blob().catch(() => {
        throw new ApiError(0, 'UNREACHABLE', 'The exchange broke off in the middle of the file.')
      })
    }
    if (response.status === 401 && token) this.#options.onUnauthenticated()
    throw readError({ status: response.status, body: await response.text(), retryAfter: response.headers.get('retry-after') })
  }

  /** Sends a file, and tells what part of it has gone. */
  upload<T>(path: string, file: Blob, headers: Record<string, string>, onprogress: (part: number) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest()
      request.open('POST', path)
      const token = this.#options.token()
      if (token) request.setRequestHeader('authorization', `Bearer ${token}`)
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
      request.upload.onprogress = ({ loaded, total }) => onprogress(total ? loaded / total : 0)
      request.onerror = () => reject(new ApiError(0, 'UNREACHABLE', 'The exchange cannot be reached.'))
      request.onload = () => {
        if (request.status >= 200 && request.status < 300) return resolve(parse<T>(request.responseText))
        if (request.status === 401 && token) this.#options.onUnauthenticated()
        reject(readError({ status: request.status, body: request.responseText, retryAfter: request.getResponseHeader('retry-after') }))
      }
      request.send(file)
    })
  }

  async #send(method: string, path: string, token: string | null, body: unknown, patience: number | null = PATIENCE_MS): Promise<Response> {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (token) headers['authorization'] = `Bearer ${token}`
    const init: RequestInit = { method, headers, signal: patience === null ? null : AbortSignal.timeout(patience), cache: 'no-store' }
    if (body !== undefined) {
      headers['content-type'] = 'application/json'
      init.body = JSON.stringify(body)
    }
    try {
      return await (this.#options.fetch ?? fetch)(path, init)
    } catch (error) {
      const slow = error instanceof DOMException && error.name === 'TimeoutError'
      const message = slow ? 'The exchange took too long to answer.' : 'The exchange cannot be reached.'
      throw new ApiError(0, slow ? 'TIMEOUT' : 'UNREACHABLE', message)
    }
  }

  #tellClock(response: Response): void {
    const date = Date.parse(response.headers.get('date') ?? '')
    if (!Number.isNaN(date)) this.#options.onClock?.(date)
  }
}

function parse<T>(content: string): T {
  if (!content) return undefined as T
  try {
    return JSON.parse(content) as T
  } catch {
    throw new ApiError(200, 'INVALID_ANSWER', 'The exchange answered something that is not JSON.')
  }
}
