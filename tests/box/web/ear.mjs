// What a page hears, measured in the page itself: pitch by the Goertzel algorithm, and when the first sound came. Runs in the browser, before anything of the page does.

/** Listens to whatever comes over the latest peer connection, and notes when somebody last asked for a call. */
export function listen() {
  const LOUD = 0.02
  const ear = { asked: 0, first: 0, sockets: [], peers: [], samples: new Float32Array(16384), analyser: null }
  let context = null
  const hear = (stream) => {
    context ??= new AudioContext()
    void context.resume()
    const analyser = new AnalyserNode(context, { fftSize: ear.samples.length, smoothingTimeConstant: 0 })
    context.createMediaStreamSource(stream).connect(analyser)
    ear.analyser = analyser
    ear.first = 0
    const near = new Float32Array(256)
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(ear.samples)
      near.set(ear.samples.subarray(ear.samples.length - near.length))
      if (Math.hypot(...near) / Math.sqrt(near.length) < LOUD) return
      ear.first ||= performance.now()
      clearInterval(timer)
    }, 4)
  }
  const NativePeer = RTCPeerConnection
  window.RTCPeerConnection = class extends NativePeer {
    constructor(...parameters) {
      super(...parameters)
      ear.peers.push(this)
      this.addEventListener('track', ({ track, streams }) => hear(streams[0] ?? new MediaStream([track])))
    }
  }
  const NativeSocket = WebSocket
  window.WebSocket = class extends NativeSocket {
    constructor(...parameters) {
      super(...parameters)
      ear.sockets.push(this)
    }
  }
  for (const event of ['submit', 'click']) addEventListener(event, () => (ear.asked = performance.now()), true)
  /** The part of the power of the last third of a second at each pitch, and the level. */
  ear.shares = (pitches) => {
    if (!ear.analyser) return null
    ear.analyser.getFloatTimeDomainData(ear.samples)
    const rate = context.sampleRate
    const all = ear.samples.reduce((sum, sample) => sum + sample * sample, 0)
    const shares = pitches.map((pitch) => {
      const turn = (2 * Math.PI * pitch) / rate
      let [before, last] = [0, 0]
      for (const sample of ear.samples) [before, last] = [last, sample + 2 * Math.cos(turn) * last - before]
      return all ? (2 * (before * before + last * last - 2 * Math.cos(turn) * before * last)) / ear.samples.length / all : 0
    })
    return { level: Math.sqrt(all / ear.samples.length), shares }
  }
  window.ear = ear
  localStorage.setItem('tandem.phone.devices', JSON.stringify({ clean: false }))
}
