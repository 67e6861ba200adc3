// The microphone, asked for as people chose it.

export interface MicrophoneChoice {
  /** The device; empty is whatever the system says. */
  id: string
  /** Whether the browser takes echo and noise away. */
  clean: boolean
}

/** Why there is none: it is not allowed, or not there. */
export class NoMicrophone extends Error {
  readonly denied: boolean

  constructor(denied: boolean) {
    super(denied ? 'The microphone is not allowed.' : 'No microphone was found.')
    this.denied = denied
  }
}

/** Opens it; a device that is gone is replaced by the usual one. */
export async function openMicrophone({ id, clean }: MicrophoneChoice): Promise<MediaStream> {
  const cleaning = { echoCancellation: clean, noiseSuppression: clean, autoGainControl: clean }
  const ask = (device: MediaTrackConstraints): Promise<MediaStream> => navigator.mediaDevices.getUserMedia({ audio: { ...cleaning, ...device } })
  try {
    if (!id) return await ask({})
    return await ask({ deviceId: { exact: id } }).catch((error: unknown) => (isDenied(error) ? Promise.reject(error) : ask({})))
  } catch (error) {
    throw new NoMicrophone(isDenied(error))
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'SecurityError')
}

/** Gives it back. */
export function closeStream(stream: MediaStream | undefined): void {
  stream?.getTracks().forEach((track) => track.stop())
}
