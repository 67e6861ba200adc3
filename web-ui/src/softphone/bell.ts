// Tells of calls where the page is not looked at: by the system's notifications.

interface Ringing {
  id: string
  who: string
}

export class Bell {
  readonly #onAnswer: (id: string) => void
  readonly #shown = new Map<string, Notification>()

  /** `onAnswer`: somebody clicked on the notification of a call. */
  constructor(onAnswer: (id: string) => void) {
    this.#onAnswer = onAnswer
  }

  /** Shows these calls and no others; where the page is looked at, it shows them itself. */
  show(ringing: Ringing[]): void {
    for (const id of this.#shown.keys()) if (!ringing.some((call) => call.id === id)) this.#close(id)
    if (!mayNotify() || (!document.hidden && document.hasFocus())) return
    for (const { id, who } of ringing) if (!this.#shown.has(id)) this.#open(id, who)
  }

  close(): void {
    this.show([])
  }

  #open(id: string, who: string): void {
    try {
      const shown = new Notification(`${who} is calling`, { body: 'Click to answer.', tag: id, requireInteraction: true })
      shown.onclick = () => {
        window.focus()
        this.#onAnswer(id)
        shown.close()
      }
      this.#shown.set(id, shown)
    } catch {
      // Telephones show notifications of installed pages only.
    }
  }

  #close(id: string): void {
    this.#shown.get(id)?.close()
    this.#shown.delete(id)
  }
}

const mayNotify = (): boolean => 'Notification' in window && Notification.permission === 'granted'

/** Whether it is worth to ask for leave to notify. */
export const mayAsk = (): boolean => 'Notification' in window && Notification.permission === 'default'

/** Asks for it; whether it was given. */
export async function askLeave(): Promise<boolean> {
  return (await Notification.requestPermission()) === 'granted'
}
