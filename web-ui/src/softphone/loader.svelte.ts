// The way to the softphone from the rest of the page. It is loaded when somebody first wants it, and JsSIP when it is switched on: whoever has no use for it does not fetch it.
import { logout, session } from '../login/session.svelte'

type Part = typeof import('./part')

const KEY = 'tandem.phone'

let part = $state.raw<Part | null>(null)
let loading: Promise<Part> | null = null

export const softphone = {
  /** What was loaded; nothing before it was wanted. */
  get part(): Part | null {
    return part
  },
  /** Whether numbers in the page can be called. */
  get isOn(): boolean {
    return part?.phone.isOn ?? false
  },
  /** The extension that it is; empty while it is off. */
  get extension(): string {
    return part?.phone.isOn ? part.phone.extension : ''
  },
  /** Who rings. */
  get caller(): string {
    return part?.caller() ?? ''
  },
}

/** Loads it, once. */
export function loadSoftphone(): Promise<Part> {
  loading ??= fetchPart()
  return loading
}

async function fetchPart(): Promise<Part> {
  try {
    const fetched = await import('./part')
    part = fetched
    return fetched
  } catch (error) {
    loading = null
    throw error
  }
}

/** Switches it on, and remembers that for this user and this browser. */
export async function switchOn(extension = ''): Promise<void> {
  const { phone } = await loadSoftphone()
  await phone.start(extension)
  if (phone.isOn) remember(phone.extension)
}

export async function switchOff(): Promise<void> {
  remember(null)
  await part?.phone.stop()
}

/** Switches it on where it was on when this user was last here. */
export async function resumeSoftphone(): Promise<void> {
  const extension = remembered()[session.username ?? '']
  if (extension !== undefined) await switchOn(extension).catch(() => undefined)
}

/** Logs out once the calls are ended and the exchange knows that nobody is here any more. */
export async function leave(): Promise<void> {
  await part?.phone.stop().catch(() => undefined)
  logout()
}

/** Calls a number that stands somewhere in the page, and shows the call. */
export async function dial(number: string, name = ''): Promise<void> {
  const { phone } = await loadSoftphone()
  location.hash = '#/phone'
  await phone.call(number, { name })
}

function remember(extension: string | null): void {
  const known = remembered()
  const user = session.username ?? ''
  if (extension === null) delete known[user]
  else known[user] = extension
  try {
    localStorage.setItem(KEY, JSON.stringify(known))
  } catch {
    // Without storage it has to be switched on each time.
  }
}

function remembered(): Record<string, string> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    return typeof value === 'object' && value !== null ? (value as Record<string, string>) : {}
  } catch {
    return {}
  }
}
