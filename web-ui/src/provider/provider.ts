// A provider as the API gives it: whoever takes our calls to the world.
import { millis, timeOfDay } from '../time'
import type { Encryption } from '../ui/encryption'

export interface Provider {
  id: string
  hostname: string
  port: number | null
  transport: 'udp' | 'tcp' | 'tls' | null
  tech_prefix: string
  tech_postfix: string
  codecs: string
  caller_id: string
  encryption: Encryption
  tls_roots: string
  name: string
  detail: string
  register: { realm: string; username: string; expires: number } | null
  health_status: 'unknown' | 'healthy' | 'unhealthy'
  metadata: { registration: { status: 'unregistered' | 'registering' | 'registered' | 'failing'; answer: string; until: string | null }; trouble?: string }
}

/** What people call it. */
export function nameOf(provider: Provider): string {
  return provider.name || provider.hostname
}

export interface State {
  word: string
  look: 'good' | 'warn' | 'bad' | ''
  /** What the provider said, where that helps. */
  why: string
}

/** How things stand with it, in a word: registration first, as calls need it. */
export function stateOf(provider: Provider): State {
  const { registration, trouble } = provider.metadata
  const { status, answer, until } = registration
  if (trouble) return { word: 'no connection', look: 'bad', why: trouble }
  if (status === 'failing') return { word: 'not registered', look: 'bad', why: answer }
  if (status === 'registering') return { word: 'registering', look: 'warn', why: answer }
  if (provider.health_status === 'unhealthy') return { word: 'not answering', look: 'bad', why: 'It does not answer OPTIONS.' }
  if (status === 'registered') return { word: 'registered', look: 'good', why: untilWhen(until) }
  if (provider.health_status === 'healthy') return { word: 'answering', look: 'good', why: '' }
  return { word: 'not asked yet', look: '', why: '' }
}

function untilWhen(until: string | null): string {
  const at = millis(until)
  return at === null ? '' : `until ${timeOfDay(at)}`
}

export interface Draft {
  hostname: string
  port: string
  transport: string
  name: string
  username: string
  password: string
  registers: boolean
  caller_id: string
  tech_prefix: string
  codecs: string
  encryption: Encryption
  tls_roots: string
  /** Of a new one: what the numbers begin with that go through it. */
  targets: string
}

export function draftOf(provider: Provider | undefined): Draft {
  return {
    hostname: provider?.hostname ?? '',
    port: provider?.port ? String(provider.port) : '',
    transport: provider?.transport ?? '',
    name: provider?.name ?? '',
    username: provider?.register?.username ?? '',
    password: '',
    registers: provider ? (provider.register?.expires ?? 0) > 0 : true,
    caller_id: provider?.caller_id ?? '',
    tech_prefix: provider?.tech_prefix ?? '',
    codecs: provider?.codecs ?? '',
    encryption: provider?.encryption ?? '',
    tls_roots: provider?.tls_roots ?? '',
    targets: 'all',
  }
}

/** The beginnings of numbers in a text, whatever stands between them. */
export function targetsOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean)
}

const EXPIRES = 3_600

/** What is asked of the exchange. A password that is empty stays as it is. */
export function bodyOf(draft: Draft, known: Provider | undefined): Record<string, unknown> {
  const { port, transport, username, password, registers, targets, ...rest } = draft
  const expires = registers ? known?.register?.expires || EXPIRES : 0
  return {
    ...rest,
    port: Number(port || 0),
    ...(known ? {} : { targets: targetsOf(targets) }),
    ...(transport ? { transport } : {}),
    register: { username: username.trim(), expires, ...(password ? { password } : {}) },
  }
}
