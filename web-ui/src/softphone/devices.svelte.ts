// Which microphone, speaker and bell are used; remembered by this browser.

export interface Choice {
  microphone: string
  speaker: string
  ringer: string
  /** Whether the browser takes echo and noise away from what is said. */
  clean: boolean
}

export type Kind = 'microphone' | 'speaker' | 'ringer'

const KEY = 'tandem.phone.devices'
const PLAIN: Choice = { microphone: '', speaker: '', ringer: '', clean: true }

export class Devices {
  microphones = $state.raw<MediaDeviceInfo[]>([])
  speakers = $state.raw<MediaDeviceInfo[]>([])
  choice = $state.raw<Choice>(stored())
  /** Whether this browser lets a page choose where sound comes out. */
  readonly canRoute = 'setSinkId' in HTMLMediaElement.prototype

  /** Reads the devices, and again whenever one comes or goes; the answer ends that. */
  follow(): () => void {
    const read = (): void => void this.read()
    read()
    navigator.mediaDevices?.addEventListener('devicechange', read)
    return () => navigator.mediaDevices?.removeEventListener('devicechange', read)
  }

  /** Names are told only once the microphone was allowed. */
  async read(): Promise<void> {
    const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? []
    this.microphones = all.filter((one) => one.kind === 'audioinput' && one.deviceId)
    this.speakers = all.filter((one) => one.kind === 'audiooutput' && one.deviceId)
  }

  choose(part: Partial<Choice>): void {
    this.choice = { ...this.choice, ...part }
    try {
      localStorage.setItem(KEY, JSON.stringify(this.choice))
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }

  /** The device for a purpose, or the usual one where the chosen one is gone. */
  output(kind: 'speaker' | 'ringer'): string {
    const wanted = this.choice[kind]
    return this.speakers.some((one) => one.deviceId === wanted) ? wanted : ''
  }
}

/** Lets an element sound there; where that cannot be, it sounds where everything does. */
export async function sendTo(element: HTMLAudioElement, device: string): Promise<void> {
  if (!('setSinkId' in element)) return
  await element.setSinkId(device).catch(() => element.setSinkId('').catch(() => undefined))
}

function stored(): Choice {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    const known = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
    const id = (kind: Kind): string => (typeof known[kind] === 'string' ? known[kind] : '')
    return { microphone: id('microphone'), speaker: id('speaker'), ringer: id('ringer'), clean: known['clean'] !== false }
  } catch {
    return PLAIN
  }
}
