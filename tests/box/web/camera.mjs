// Pictures of a page in light and dark colours and as narrow as a telephone.

const WIDE = { width: 1360, height: 900 }
const NARROW = { width: 390, height: 844 }

export class Camera {
  #page
  #folder
  #count = 0

  constructor(page, folder) {
    this.#page = page
    this.#folder = folder
  }

  /** Takes `<nn>-<name>-{light,dark,phone}.png` and leaves the page as it was. */
  async take(name) {
    this.#count += 1
    const number = String(this.#count).padStart(2, '0')
    for (const [look, colorScheme, viewport] of [['dark', 'dark', WIDE], ['phone', 'light', NARROW], ['light', 'light', WIDE]]) {
      await this.#page.emulateMedia({ colorScheme })
      await this.#page.setViewportSize(viewport)
      await this.#page.waitForTimeout(200)
      const modal = (await this.#page.$('dialog[open]')) !== null
      await this.#page.screenshot({ path: `${this.#folder}/${number}-${name}-${look}.png`, fullPage: !modal })
    }
  }
}
