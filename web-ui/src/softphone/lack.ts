// What the softphone cannot do without, and what is to be done where it is missing.

export type Lack =
  /** The page came over http; `https` is where it would be by https, if anywhere. */
  | { what: 'insecure'; https: string | null }
  | { what: 'browser' }
  | { what: 'extension' }
  | { what: 'microphone'; denied: boolean }
  | { what: 'certificate' }

/** What can be said of a browser before anything is tried. */
export interface Surroundings {
  isSecure: boolean
  hasMicrophoneApi: boolean
  hasPeerConnection: boolean
  https: string | null
}

/** What lacks before the exchange is asked. */
export function lackOf(surroundings: Surroundings): Lack | null {
  if (!surroundings.isSecure) return { what: 'insecure', https: surroundings.https }
  return surroundings.hasMicrophoneApi && surroundings.hasPeerConnection ? null : { what: 'browser' }
}

/** A title, and a sentence that says what to do. */
export function lackWords(lack: Lack): { title: string; text: string } {
  switch (lack.what) {
    case 'insecure':
      return { title: 'This page came over http', text: 'Browsers lend the microphone only to pages that came over https.' }
    case 'browser':
      return { title: 'This browser cannot telephone', text: 'It has no WebRTC, or it has been switched off. Chromium, Firefox and Safari have it.' }
    case 'extension':
      return { title: 'No extension is yours', text: 'A phone rings at an extension. Ask a manager to write one into “Rung at” of your user.' }
    case 'microphone':
      return lack.denied
        ? { title: 'The microphone is not allowed', text: 'Without it nobody hears you. Allow it by the sign beside the address of this page, then try again.' }
        : { title: 'No microphone', text: 'The browser finds none. Plug one in, then try again.' }
    case 'certificate':
      return { title: 'The browser does not trust this exchange', text: 'It refuses the connection for calls. Trust the authority of the box, then open the page again.' }
  }
}
