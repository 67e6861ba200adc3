// One person's softphone, in a browser of its own.
import { NAME, openBrowser } from './browser.mjs'
import { listen } from './ear.mjs'

const SILENT = 0.004

export class Softphone {
  /** Opens a browser whose microphone is a file, and logs in. */
  static async open({ base, user, password, microphone, patience }) {
    const flags = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${microphone}`]
    const browser = await openBrowser(base, { flags, context: { ignoreHTTPSErrors: true, permissions: ['microphone', 'notifications'] } })
    browser.page.setDefaultTimeout(patience)
    await browser.page.addInitScript(listen)
    await browser.page.goto(`${base}/`)
    const phone = new Softphone(browser, user, patience)
    await phone.logIn(user, password)
    return phone
  }

  /** Opens a browser that lends its microphone to nobody, at a name that it does not trust. */
  static async openUntrusted({ base, user, password, patience }) {
    const url = new URL(base)
    url.hostname = NAME
    const browser = await openBrowser(url.origin, { flags: ['--use-fake-device-for-media-stream'], context: { permissions: [] } })
    browser.page.setDefaultTimeout(patience)
    await browser.page.goto(url.origin)
    const phone = new Softphone(browser, user, patience)
    await phone.logIn(user, password)
    return phone
  }

  constructor(browser, user, patience) {
    this.browser = browser
    this.page = browser.page
    this.user = user
    this.patience = patience
  }

  async logIn(user, password) {
    await this.page.fill('#username', user)
    await this.page.fill('#password', password)
    await this.page.keyboard.press('Enter')
    await this.page.waitForSelector('.link.connected')
  }

  async show(page) {
    await this.page.evaluate((page) => (location.hash = `#/${page}`), page)
  }

  /** Opens the phone, and waits until the exchange knows it. */
  async register() {
    await this.page.click('nav.wide a:has-text("Phone")')
    await this.page.waitForSelector('[data-test=registration]:has-text("Ready")')
  }

  /** Calls by the keyboard alone. */
  async call(number) {
    await this.page.focus('[data-test=pad] input')
    await this.page.keyboard.type(number)
    await this.page.keyboard.press('Enter')
  }

  /** Waits for a call with somebody to be in that state. */
  async see(number, word) {
    await this.page.waitForSelector(`[data-test=phone-call][data-number="${number}"] [data-test=phone-state]:has-text("${word}")`)
  }

  /** Milliseconds from the wish to the first sound. */
  async untilSound() {
    await this.page.waitForFunction(() => window.ear.first > window.ear.asked, null, { polling: 20 })
    return this.page.evaluate(() => Math.round(window.ear.first - window.ear.asked))
  }

  /** Waits until these pitches are what is heard, and nothing else. */
  async hear(...pitches) {
    const heard = await this.#listen(([pitches]) => {
      const now = window.ear.shares(pitches)
      const all = now?.shares.reduce((sum, share) => sum + share, 0)
      return now && now.level > 0.02 && all > 0.85 && now.shares.every((share) => share > 0.15 / pitches.length) ? now : null
    }, [pitches], `${this.user} hears ${pitches.join(' and ')} Hz`)
    return heard.shares.map((share) => Math.round(100 * share))
  }

  /** Waits until a pitch is not heard any more, whatever else is. */
  async hearNot(pitch) {
    await this.#listen(([pitch]) => (window.ear.shares([pitch])?.shares[0] < 0.05 ? true : null), [pitch], `${this.user} does not hear ${pitch} Hz`)
  }

  /** Waits until nothing is heard. */
  async hearNothing() {
    await this.#listen(([silent]) => (window.ear.shares([])?.level < silent ? true : null), [SILENT], `${this.user} hears nothing`)
  }

  async #listen(look, parameters, what) {
    try {
      const found = await this.page.waitForFunction(look, parameters, { polling: 50 })
      return await found.jsonValue()
    } catch {
      const now = await this.page.evaluate(() => window.ear.shares([350, 620, 1000, 2125]))
      throw new Error(`not so: ${what}; it is ${JSON.stringify(now)} of 350, 620, 1000, 2125 Hz`)
    }
  }

  /** Closes the WebSocket of SIP, as a network that goes away would. */
  async loseConnection() {
    await this.page.evaluate(() => window.ear.sockets.filter((socket) => new URL(socket.url).pathname === '/sip').at(-1).close())
  }

  /** The name by which the audio's way is known (ICE) in the latest call. */
  way() {
    return this.page.evaluate(() => /a=ice-ufrag:(\S+)/.exec(window.ear.peers.at(-1).remoteDescription.sdp)[1])
  }

  /** The browser says that it is in another network; waits until another way for the audio was agreed on. */
  async changeNetwork() {
    const before = await this.way()
    await this.page.evaluate(() => dispatchEvent(new Event('online')))
    const deadline = Date.now() + this.patience
    while ((await this.way()) === before) {
      if (Date.now() > deadline) throw new Error(`the audio of ${this.user} still goes the way ${before}`)
      await this.page.waitForTimeout(50)
    }
  }

  async press(button, number) {
    const within = number ? `[data-test=phone-call][data-number="${number}"] ` : ''
    await this.page.click(`${within}button:has-text("${button}")`)
  }
}
