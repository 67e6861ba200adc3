// Takes hold of a new box in Debian's chromium and says what it saw, one JSON object a line.
//
//   node setup.mjs --base https://127.0.0.1:8443 --code … --password … --shots DIR
//
// The last line is {"step":"done","ok":true}, or {"step":"failed",…} with exit code 1.
import { mkdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openBrowser } from './browser.mjs'
import { Camera } from './camera.mjs'

const { values: options } = parseArgs({ options: { base: { type: 'string' }, code: { type: 'string' }, password: { type: 'string' }, shots: { type: 'string' } } })
for (const name of ['base', 'code', 'password', 'shots']) {
  if (!options[name]) {
    console.error(`setup.mjs: --${name} is missing`)
    process.exit(2)
  }
}
mkdirSync(options.shots, { recursive: true })
const say = (step, facts = {}) => console.log(JSON.stringify({ step, ...facts }))

function demand(condition, message) {
  if (!condition) throw new Error(message)
}

// The box is its own authority, which this browser does not know yet.
const browser = await openBrowser(options.base, { context: { ignoreHTTPSErrors: true, timezoneId: 'Europe/Lisbon' } })
const { page } = browser
page.setDefaultTimeout(30_000)
const camera = new Camera(page, options.shots)
const part = (name) => page.locator(`[data-test="${name}"]`)
const message = () => part('setup').getByRole('alert')

try {
  await page.goto(options.base)
  await part('setup').waitFor()
  demand((await page.title()) === 'Set up · Tandem', 'the title says what is to be done')
  demand((await part('setup-zone').inputValue()) === 'Europe/Lisbon', 'the time zone is that of the browser')
  demand((await part('setup-network').count()) === 0, 'a box without a board has no network to be set')
  await camera.take('setup')

  await part('setup-submit').click()
  await message().getByText('The setup code is missing.').waitFor()
  await part('setup-code').fill('WRONG-CODE-1')
  await part('setup-password').fill(options.password)
  await part('setup-again').fill('something else')
  await part('setup-submit').click()
  await message().getByText('The two passwords are not the same.').waitFor()
  await part('setup-again').fill(options.password)
  await part('setup-submit').click()
  await message().getByText('That is not the setup code.').waitFor()
  demand((await part('setup-code').getAttribute('aria-invalid')) === 'true', 'the field that is wrong is marked')
  await camera.take('setup-wrong')
  say('refused')

  await part('setup-code').fill(options.code.toLowerCase())
  await part('setup-zone').selectOption('Asia/Tokyo')
  await part('setup-submit').click()
  await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor()
  say('claimed')

  await page.evaluate(() => sessionStorage.clear())
  await page.context().clearCookies()
  await page.reload()
  await page.getByRole('heading', { name: 'Log in to Tandem' }).waitFor()
  demand((await part('setup').count()) === 0, 'nobody takes hold of it twice')
  await page.getByLabel('Password').fill(options.password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor()
  demand(browser.complaints().length === 0, `the browser complained: ${JSON.stringify(browser.complaints())}`)
  say('done', { ok: true })
} catch (error) {
  await page.screenshot({ path: `${options.shots}/failed.png` }).catch(() => undefined)
  say('failed', { error: String(error.stack ?? error), complaints: browser.complaints() })
  process.exitCode = 1
} finally {
  await browser.close()
}
