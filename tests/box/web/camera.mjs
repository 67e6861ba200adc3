// Pictures of a page in light and dark colours and as narrow as a telephone.

const WIDE = { width: 1360, height: 900 }
const NARROW = { width: 390, height: 844 }
/** From a telephone to a desk: where the page changes its shape it fits on both sides. */
const WIDTHS = [390, 800, 1024, 1280]

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
    await this.fits(name)
    const number = String(this.#count).padStart(2, '0')
    for (const [look, colorScheme, viewport] of [['dark', 'dark', WIDE], ['phone', 'light', NARROW], ['light', 'light', WIDE]]) {
      await this.#page.emulateMedia({ colorScheme })
      await this.#page.setViewportSize(viewport)
      await this.#page.evaluate(settled)
      const modal = (await this.#page.$('dialog[open]')) !== null
      await this.#page.screenshot({ path: `${this.#folder}/${number}-${name}-${look}.png`, fullPage: !modal })
    }
  }

  /** Demands that nothing is wider than the screen, however wide that is, and leaves the page as it was. */
  async fits(name) {
    for (const width of WIDTHS) {
      await this.#page.setViewportSize({ width, height: 844 })
      const wide = await this.#page.evaluate(() => document.documentElement.scrollWidth)
      if (wide > width) throw new Error(`${name} is ${wide} pixels wide on a screen of ${width}`)
    }
    await this.#page.setViewportSize(WIDE)
  }
}

/** Waits in the page until it has been drawn and what moves has come to rest; what blinks without end does not count. */
async function settled() {
  const ends = document.getAnimations().filter((moving) => moving.effect?.getComputedTiming().endTime !== Infinity)
  await Promise.allSettled(ends.map((moving) => moving.finished))
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
}
