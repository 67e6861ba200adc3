// Who is logged in, and the API in that person's name.
import { reaches, type Permission } from '../agent/agent'
import { Api, ApiError } from '../api'
import { setBoxTime } from '../ui/clock.svelte'

const KEY = 'tandem.session'

interface Session {
  username: string
  token: string
}

/** The part of `GET /v1.0/me` that the page needs. */
interface Me {
  id: string
  customer_id: string
  username: string
  permission?: string
}

let current = $state.raw<Session | null>(stored())
let ended = $state(false)
let permission = $state('')

/** The REST API. */
export const api = new Api({
  token: () => current?.token ?? null,
  onUnauthenticated: () => end(true),
  onClock: setBoxTime,
})

export const session = {
  get username(): string | null {
    return current?.username ?? null
  },
  get token(): string | null {
    return current?.token ?? null
  },
  /** Whether the person may do what this permission is needed for; nothing until the box has said so. */
  may(needed: Permission): boolean {
    return reaches(permission, needed)
  },
  /** Whether the box ended the last session by itself. */
  get expired(): boolean {
    return ended
  },
}

/** Logs in, or throws what the box says against it. */
export async function login(username: string, password: string): Promise<void> {
  const answer = await api.post<Session>('/auth/login', { username, password })
  if (!answer?.token) throw new ApiError(200, 'INVALID_ANSWER', 'The exchange gave no token.')
  current = { username: answer.username ?? username, token: answer.token }
  ended = false
  keep()
}

/** Takes hold of a new box, and is logged in with that. */
export async function claim(wishes: Record<string, unknown>): Promise<{ network: unknown }> {
  const answer = await api.post<Session & { network: unknown }>('/v1.0/setup', wishes)
  if (!answer?.token) throw new ApiError(200, 'INVALID_ANSWER', 'The exchange gave no token.')
  current = { username: answer.username, token: answer.token }
  ended = false
  keep()
  return { network: answer.network ?? null }
}

/** Forgets the session, and has the box take back its cookie. */
export function logout(): void {
  void api.post('/auth/logout').catch(() => undefined)
  end(false)
}

/** Who the session belongs to. */
export async function me(): Promise<Me> {
  const found = await api.get<Me>('/v1.0/me')
  permission = found.permission ?? ''
  return found
}

function end(byBox: boolean): void {
  current = null
  permission = ''
  ended = byBox
  keep()
}

function keep(): void {
  try {
    if (current) sessionStorage.setItem(KEY, JSON.stringify(current))
    else sessionStorage.removeItem(KEY)
  } catch {
    // Without storage the session lasts as long as the page.
  }
}

function stored(): Session | null {
  try {
    const value = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Session | null
    return value && typeof value.token === 'string' ? value : null
  } catch {
    return null
  }
}
