// Reads something again a moment after it changed: several events in a row are one change to a reader.

const AFTER_MS = 400

export class Refresh {
  readonly #read: () => void
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(read: () => void) {
    this.#read = read
  }

  soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#read()
    }, AFTER_MS)
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }
}
