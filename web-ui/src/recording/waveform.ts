// A recording drawn as its loudness over time.

/** Files beyond this are played without being drawn: decoded, an hour takes a hundred times as much. */
export const DRAWN_OCTETS = 16e6

/** At this rate (Hz) a file is decoded to be drawn; what is heard keeps its own. */
const DRAWN_RATE = 8000

/** The greatest amplitude (0 to 1) of each of so many equal parts. */
export function peaks(samples: Float32Array, count: number): number[] {
  const parts: number[] = []
  for (let part = 0; part < count; part++) {
    const from = Math.floor((part * samples.length) / count)
    const to = Math.max(from + 1, Math.floor(((part + 1) * samples.length) / count))
    let peak = 0
    for (let at = from; at < to && at < samples.length; at++) peak = Math.max(peak, Math.abs(samples[at] ?? 0))
    parts.push(Math.min(peak, 1))
  }
  return parts
}

/** The peaks of each channel of a file; none where it cannot be had: a bucket that lets no page of another host read, or no sound. */
export async function drawn(url: string, count: number): Promise<number[][]> {
  try {
    const answer = await fetch(url)
    if (!answer.ok) return []
    const file = await answer.arrayBuffer()
    if (file.byteLength > DRAWN_OCTETS) return []
    const sound = await new OfflineAudioContext(1, 1, DRAWN_RATE).decodeAudioData(file)
    return Array.from({ length: sound.numberOfChannels }, (_, channel) => peaks(sound.getChannelData(channel), count))
  } catch {
    return []
  }
}

/** A path around the middle line of a field `height` high, a unit of width for each peak. */
export function outline(heights: number[], height: number): string {
  const middle = height / 2
  return heights.map((peak, at) => {
    const reach = Math.max(peak * middle, 0.5)
    return `M${at + 0.5} ${(middle - reach).toFixed(1)}V${(middle + reach).toFixed(1)}`
  }).join('')
}
