// How to trust the box's authority, by what one has before oneself.

export interface Steps {
  system: string
  steps: string[]
}

export const STEPS: readonly Steps[] = [
  { system: 'Windows', steps: ['Open the file.', 'Install certificate…, Local machine.', 'Place all certificates in: Trusted Root Certification Authorities.', 'Start the browser anew.'] },
  { system: 'macOS', steps: ['Open the file: Keychain Access takes it into the System keychain.', 'Double-click “Tandem”, open Trust.', 'When using this certificate: Always Trust.'] },
  { system: 'iPhone, iPad', steps: ['Open the file in Safari and allow the profile.', 'Settings › General › VPN & Device Management: install the profile.', 'Settings › General › About › Certificate Trust Settings: switch it on.'] },
  { system: 'Android', steps: ['Save the file.', 'Settings › Security › Encryption & credentials › Install a certificate › CA certificate.', 'Choose the file.'] },
  { system: 'Firefox', steps: ['Settings › Privacy & Security › Certificates › View certificates.', 'Authorities › Import: choose the file.', 'Trust it to identify websites.'] },
  { system: 'Debian, Ubuntu', steps: ['Save the file as /usr/local/share/ca-certificates/tandem.crt.', 'Run update-ca-certificates as root.', 'Chromium keeps its own list: Settings › Privacy and security › Security › Manage certificates › Authorities › Import.'] },
  { system: 'Desk phones', steps: ['Upload the file on the phone’s own page as trusted certificate.', 'Choose TLS as the transport of its account.'] },
]

/** Which of them is meant for a browser that calls itself so. */
export function systemOf(agent: string): string {
  if (/iPhone|iPad/.test(agent)) return 'iPhone, iPad'
  if (/Android/.test(agent)) return 'Android'
  if (/Firefox/.test(agent)) return 'Firefox'
  if (/Windows/.test(agent)) return 'Windows'
  if (/Macintosh/.test(agent)) return 'macOS'
  return 'Debian, Ubuntu'
}

/** The octets of the first certificate of a PEM file. */
export function octetsOf(pem: string): Uint8Array<ArrayBuffer> {
  const body = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/.exec(pem)?.[1] ?? ''
  const text = atob(body.replace(/\s/g, ''))
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0))
}

/** Its SHA-256 fingerprint in hex; empty where the browser counts none, as over plain HTTP. */
export async function fingerprintOf(pem: string): Promise<string> {
  if (!globalThis.crypto?.subtle) return ''
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', octetsOf(pem)))
  return Array.from(digest, (octet) => octet.toString(16).padStart(2, '0')).join('')
}
