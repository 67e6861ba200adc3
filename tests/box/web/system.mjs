// Looks at the page System, makes a backup there, and restores it; one JSON object a line.
//
//   node system.mjs --base http://127.0.0.1:8080 --password … --shots DIR
//
// The last line is {"step":"done","ok":true}, or {"step":"failed",…} with exit code 1.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openBrowser } from './browser.mjs'
import { Camera } from './camera.mjs'

const { values: options } = parseArgs({ options: { base: { type: 'string' }, password: { type: 'string' }, shots: { type: 'string' } } })
const PASSPHRASE = 'correct horse battery stäple'
const base = options.base.replace(/\/$/, '')
mkdirSync(options.shots, { recursive: true })
const say = (step, facts = {}) => console.log(JSON.stringify({ step, ...facts }))

function demand(condition, message) {
  if (!condition) throw new Error(message)
}

const browser = await openBrowser(base)
const { page, complaints } = browser
page.setDefaultTimeout(60_000)
const camera = new Camera(page, options.shots)

try {
  await page.goto(`${base}/`)
  await logIn('Calls')
  await page.click('nav.wide button:has-text("Administration")')
  await page.click('nav.wide li a:has-text("System")')
  await seeHealth()
  await seeUpdates()
  await seeLog()
  await seePower()
  const file = await makeBackup()
  const found = complaints()
  demand(found.length === 0, `the browser complains: ${JSON.stringify(found)}`)
  await restore(file)
  say('done', { ok: true })
} catch (error) {
  await page.screenshot({ path: `${options.shots}/failed.png`, fullPage: true }).catch(() => undefined)
  say('failed', { ok: false, error: String(error?.message ?? error), complaints: complaints(), url: page.url() })
  process.exitCode = 1
} finally {
  await browser.close()
}

/** The page that one was at is there again. */
async function logIn(title) {
  await page.fill('#username', 'admin')
  await page.fill('#password', options.password)
  await page.keyboard.press('Enter')
  await page.waitForSelector(`h1:has-text("${title}")`)
}

async function seeHealth() {
  await page.waitForSelector('[data-test=health] dl')
  const facts = await page.innerText('[data-test=health] dl')
  for (const wanted of ['Version', 'Memory free', 'Disk free', 'Database']) demand(facts.includes(wanted), `${wanted} is missing in ${facts}`)
  await page.waitForSelector('[data-test=verdict]')
  await camera.take('system')
  say('health', { facts })
}

/** A box without a board of its own says that it cannot be updated, and offers nothing. */
async function seeUpdates() {
  await page.waitForSelector('[data-test=update-missing]:has-text("does not run on a board of its own")')
  demand((await page.locator('[data-test=update-install]').count()) === 0, 'an update is offered all the same')
  say('updates')
}

/** The log-in is in it, a filter takes it out, and the diagnostics come as a file. */
async function seeLog() {
  await page.waitForSelector('[data-test=logs] li:has-text("logged in")')
  await page.fill('[data-test=logs] input', 'nothing says this')
  await page.waitForSelector('[data-test=logs] li:has-text("No such line")')
  await page.fill('[data-test=logs] input', '')
  await page.selectOption('[data-test=logs] select', 'error')
  await page.waitForSelector('[data-test=logs] li:has-text("No such line")')
  await page.selectOption('[data-test=logs] select', 'info')
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-test=diagnostics]')])
  const octets = readFileSync(await download.path())
  demand(octets[0] === 0x1f && octets[1] === 0x8b, 'the diagnostics are no archive')
  say('log', { file: download.suggestedFilename() })
}

/** Nothing happens before the word is typed; a computer that is no board of ours says so. */
async function seePower() {
  await page.click('[data-test=factory-reset]')
  demand(await page.isDisabled('[data-test=power-go]'), 'everything could be erased by a click')
  await camera.take('erase')
  await page.keyboard.press('Escape')
  await page.click('[data-test=reboot]')
  await page.keyboard.type('restart')
  await page.click('[data-test=power-go]')
  await page.waitForSelector('dialog .trouble:has-text("does not run on a board of its own")')
  await page.keyboard.press('Escape')
  say('power')
}

async function makeBackup() {
  const [first, second] = await page.$$('[data-test=backup] input[autocomplete=new-password]')
  await first.fill('short')
  await second.fill('short')
  demand(await page.isDisabled('[data-test=backup-make]'), 'a short passphrase is good enough')
  await first.fill(PASSPHRASE)
  await second.fill(PASSPHRASE)
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-test=backup-make]')])
  await page.waitForSelector('[data-test=backup-made]')
  const name = download.suggestedFilename()
  demand(/^tandem-\d{8}-\d{4}\.backup$/.test(name), `the file is called ${name}`)
  const file = `${options.shots}/page.backup`
  writeFileSync(file, readFileSync(await download.path()))
  say('backup', { name })
  return file
}

async function restore(file) {
  await page.click('[data-test=backup] summary')
  await page.setInputFiles('[data-test=backup] input[type=file]', file)
  const fields = await page.$$('[data-test=backup] details input[autocomplete=off]')
  const fill = async (passphrase) => {
    await fields[0].fill(passphrase)
    await fields[1].fill('restore')
    await page.click('[data-test=restore-go]')
  }
  await fill('another passphrase')
  await page.waitForSelector('[data-test=backup] .trouble:has-text("The passphrase is wrong")')
  await camera.take('wrong-passphrase')
  await fill(PASSPHRASE)
  await page.waitForSelector('[data-test=restore-done]')
  say('restoring')
  await page.waitForSelector('#username')
  await logIn('System')
  say('restored')
}
