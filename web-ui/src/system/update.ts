// Updates as the API tells of them, in words for people.
import { api } from '../login/session.svelte'
import { millis } from '../time'

export interface Version {
  slot: string
  version: string
  build: number
}

export type UpdateStatus = 'none' | 'scheduled' | 'started' | 'installed' | 'restarting' | 'succeeded' | 'failed' | 'canceled'

export interface Update {
  status: UpdateStatus
  when: string
  url: string | null
  version: string | null
  build: number | null
  reason: string | null
  message: string | null
  tm_update: string
}

export interface Updates {
  running: Version | null
  other: Version | null
  on_trial: boolean
  floor: number
  progress: { step: 'writing' | 'verifying'; octets: number } | null
  update: Update
}

const PATH = '/v1.0/system/update'

/** When the box restarts with an update, as the API has it. `at` is what a field for a local time holds. */
export function whenOf(choice: 'now' | 'idle' | 'at', at: string): string | null {
  if (choice !== 'at') return choice
  const moment = millis(at)
  return moment === null ? null : new Date(moment).toISOString()
}

/** When that is, in words. */
export function whenInWords(when: string, locale?: string): string {
  if (when === 'now') return 'at once'
  if (when === 'idle') return 'as soon as no call is up'
  const moment = millis(when)
  return moment === null ? 'later' : `on ${new Date(moment).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' })}`
}

/** How it stands with the last update; empty where there was none. */
export function outcome(update: Update, locale?: string): { text: string; tone: 'good' | 'bad' | 'plain' } {
  const version = update.version ? `Version ${update.version}` : 'The update'
  switch (update.status) {
    case 'none':
      return { text: '', tone: 'plain' }
    case 'scheduled':
      return { text: `An update will be downloaded ${whenInWords(update.when === 'idle' ? 'now' : update.when, locale)}.`, tone: 'plain' }
    case 'started':
      return { text: 'An update is being written. Calls go on.', tone: 'plain' }
    case 'installed':
      return { text: `${version} is written. The box restarts with it ${whenInWords(update.when, locale)}.`, tone: 'plain' }
    case 'restarting':
      return { text: `The box restarts with ${update.version ? `version ${update.version}` : 'the update'}. If that does not work, the version of before comes back by itself.`, tone: 'plain' }
    case 'succeeded':
      return { text: `${version} runs, and has proven itself.`, tone: 'good' }
    case 'failed':
      return { text: update.message ?? 'The update failed.', tone: 'bad' }
    case 'canceled':
      return { text: 'The last update was given up.', tone: 'plain' }
  }
}

/** Whether it can still be given up. */
export function canCancel(update: Update): boolean {
  return update.status === 'scheduled' || update.status === 'started' || update.status === 'installed'
}

export function read(): Promise<Updates> {
  return api.get<Updates>(PATH)
}

export function cancel(): Promise<Updates> {
  return api.delete<Updates>(PATH)
}

export function download(url: string, when: string): Promise<Updates> {
  return api.post<Updates>(PATH, { url, when })
}

/** Sends the file as it is; `onprogress` is told what part of it is gone. There is no limit of time: flash is slow. */
export function upload(file: Blob, when: string, onprogress: (part: number) => void): Promise<Updates> {
  const headers = { 'content-type': 'application/octet-stream' }
  return api.upload<Updates>(`${PATH}?when=${encodeURIComponent(when)}`, file, headers, onprogress)
}
