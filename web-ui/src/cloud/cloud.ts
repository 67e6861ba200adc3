// The link to the cloud as the API tells of it, and what it means in words.

export type CloudStatus = 'off' | 'idle' | 'sending' | 'waiting'

export interface Cloud {
  status: CloudStatus
  url: string
  cursor: number
  latest: number
  waiting: number
  tm_oldest: string | null
  failure: string | null
  taken: number
  failures: number
  records_per_second: number
}

/** The state in a word, and its colour. */
export function statusWord(status: CloudStatus): { word: string; tone: string } {
  switch (status) {
    case 'off':
      return { word: 'Off', tone: '' }
    case 'idle':
      return { word: 'Has everything', tone: 'good' }
    case 'sending':
      return { word: 'Sending', tone: 'good' }
    case 'waiting':
      return { word: 'Waits', tone: 'warn' }
  }
}

/** How long until nothing waits, in seconds, if it goes on as it went; `null`: it does not go on. */
export function secondsLeft(cloud: Cloud): number | null {
  if (cloud.status !== 'sending' || cloud.records_per_second <= 0) return null
  return Math.ceil(cloud.waiting / cloud.records_per_second)
}
