import { describe, expect, it } from 'vitest'
import { opinion, opinionWord, rating } from './opinion'
import { qualityOf, type Report } from './quality'

describe('the opinion', () => {
  it('is what the recommendation says for all its default values', () => {
    expect(rating({ loss: 0, burstRatio: 1, delay: 0 })).toBeCloseTo(93.2, 1)
    expect(opinion({ loss: 0, burstRatio: 1, delay: 0 })).toBe(4.41)
  })
  it('falls with delay as in table B.1', () => {
    for (const [wanted, score] of [[90, 4.34], [80, 4.03], [70, 3.6], [60, 3.1], [50, 2.58]] as const) {
      let delay = 0
      while (rating({ loss: 0, burstRatio: 1, delay }) > wanted) delay += 1
      expect(Math.abs(opinion({ loss: 0, burstRatio: 1, delay }) - score), String(wanted)).toBeLessThanOrEqual(0.02)
    }
  })
  it('falls with loss as in G.113, and further with bursts', () => {
    const cost = (percent: number): number => rating({ loss: 0, burstRatio: 1, delay: 0 }) - rating({ loss: percent / 100, burstRatio: 1, delay: 0 })
    for (const [percent, impairment] of [[2, 7], [3, 10], [5, 15]] as const) expect(Math.abs(cost(percent) - impairment)).toBeLessThan(1)
    expect(opinion({ loss: 0.05, burstRatio: 3, delay: 20 })).toBeLessThan(opinion({ loss: 0.05, burstRatio: 1, delay: 20 }))
    expect(opinion({ loss: 1, burstRatio: 1, delay: 2000 })).toBe(1)
  })
  it('has a word', () => expect([4.4, 3.7, 3.2, 2].map((score) => opinionWord(score).word)).toEqual(['Good', 'Fair', 'Poor', 'Bad']))
})

describe('the quality', () => {
  const inbound = { type: 'inbound-rtp', id: 'I', kind: 'audio', codecId: 'C', packetsReceived: 990, packetsLost: 10, jitter: 0.004, jitterBufferDelay: 40, jitterBufferEmittedCount: 1000 }
  const codec = { type: 'codec', id: 'C', mimeType: 'audio/opus', clockRate: 48000 }
  const far = { type: 'remote-inbound-rtp', id: 'R', kind: 'audio', roundTripTime: 0.03, fractionLost: 0.02 }
  const of = (...reports: Report[]) => qualityOf(reports)

  it('is read from the reports', () => {
    const quality = of(inbound, codec, far, { type: 'transport', id: 'T', srtpCipher: 'AEAD_AES_128_GCM' })!
    expect(quality).toMatchObject({ codec: 'opus 48 kHz', lost: 10, loss: 1, jitter: 4, roundTrip: 30, farLoss: 2, encryption: 'AEAD_AES_128_GCM' })
    expect(quality.opinion).toBe(opinion({ loss: 0.01, burstRatio: 1, delay: 15 + 20 + 40 }))
  })
  it('is not there before anything was heard', () => {
    expect(of()).toBeNull()
    expect(of({ ...inbound, packetsReceived: 0 }, codec)).toBeNull()
  })
  it('takes the round trip of the path where the other side reports none, and makes nothing up', () => {
    const pair = { type: 'candidate-pair', id: 'P', nominated: true, state: 'succeeded', currentRoundTripTime: 0.012 }
    expect(of(inbound, codec, pair)!.roundTrip).toBe(12)
    expect(of(inbound)).toMatchObject({ codec: '', roundTrip: null, farLoss: null, encryption: '' })
    expect(of({ ...inbound, packetsLost: -3 })!.lost).toBe(0)
    expect(of({ ...inbound, jitter: 'nonsense' })!.jitter).toBe(0)
  })
  it('counts what was made up as not heard, but not silence', () => {
    const made = { ...inbound, packetsLost: 0, totalSamplesReceived: 1000, concealedSamples: 100, silentConcealedSamples: 60 }
    expect(of(made)!.opinion).toBe(opinion({ loss: 0.04, burstRatio: 1, delay: 60 }))
  })
})
