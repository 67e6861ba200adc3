// Backups: what is asked of whoever makes one, and how a passphrase travels.

/** As the exchange wants it, at least. */
export const PASSPHRASE = 12

/** What is wrong with a passphrase that was typed twice; empty: nothing. */
export function wrongPassphrase(first: string, second: string): string {
  if ([...first].length < PASSPHRASE) return `The passphrase needs at least ${PASSPHRASE} characters.`
  return first === second ? '' : 'The two passphrases differ.'
}

/** UTF-8 in Base64, as it stands in a header. */
export function headerOf(passphrase: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(passphrase)))
}

/** `tandem-20261123-1405.backup`, local time. */
export function fileName(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`
  return `tandem-${day}-${two(at.getHours())}${two(at.getMinutes())}.backup`
}

/** Has the browser keep a file. */
export function keep(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  // Not at once: some browsers have not begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
