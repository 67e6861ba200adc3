import { describe, expect, it } from 'vitest'
import { secondsLeft, statusWord, type Cloud } from './cloud'

const LINK: Cloud = { status: 'sending', url: 'https://cloud.example', cursor: 10, latest: 1_010, waiting: 1_000, tm_oldest: null, failure: null, taken: 10, failures: 0, records_per_second: 400 }

describe('the link to the cloud', () => {
  it('says how long it will take', () => {
    expect(secondsLeft(LINK)).toBe(3)
    expect(secondsLeft({ ...LINK, records_per_second: 0 })).toBeNull()
    expect(secondsLeft({ ...LINK, status: 'waiting' })).toBeNull()
  })
  it('warns where records wait', () => {
    expect(statusWord('waiting').tone).toBe('warn')
    expect(statusWord('idle').tone).toBe('good')
  })
})
