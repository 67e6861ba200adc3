import { describe, expect, it } from 'vitest'
import { outline, peaks } from './waveform'

describe('peaks', () => {
  it('takes the greatest amplitude of each part, whichever its sign', () => {
    expect(peaks(Float32Array.of(0, -0.5, 0.25, 0.125, 0, 1), 3)).toEqual([0.5, 0.25, 1])
  })
  it('never goes beyond the field', () => {
    expect(peaks(Float32Array.of(1.5), 1)).toEqual([1])
  })
  it('repeats what is shorter than there are parts, and is silent where nothing is', () => {
    expect(peaks(Float32Array.of(0.5), 2)).toEqual([0.5, 0.5])
    expect(peaks(new Float32Array(), 2)).toEqual([0, 0])
  })
})

describe('outline', () => {
  it('draws a line for each peak, and a hair where it is silent', () => {
    expect(outline([1, 0], 10)).toBe('M0.5 0.0V10.0M1.5 4.5V5.5')
  })
})
