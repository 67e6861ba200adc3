// Something that is read, or saved by a form: whether that is under way, whether it went well, and why it did not.

export class Saving {
  busy = $state(false)
  saved = $state(false)
  error = $state.raw<unknown>(null)

  /** Saves; what goes wrong is kept for people to read. */
  async save(what: () => Promise<unknown>): Promise<void> {
    this.saved = false
    this.saved = await this.attempt(what)
  }

  /** The same for what is read, or done by the way. */
  async attempt(what: () => Promise<unknown>): Promise<boolean> {
    this.busy = true
    this.error = null
    try {
      await what()
      return true
    } catch (problem) {
      this.error = problem
      return false
    } finally {
      this.busy = false
    }
  }
}
