// Drives the admin page of a running exchange in Debian's chromium and says what it saw, one JSON object a line.
//
//   node page.mjs --base http://127.0.0.1:8080 --password … --shots DIR --hook URL [--user admin] [--hangup] [--patience SECONDS]
//
// Whoever starts it makes the calls: after the line {"step":"ready"} it waits for a call to appear; after {"step":"talking"}
// it waits for that call to end (with --hangup it ends the call by its own button). The last line is {"step":"done","ok":true},
// or {"step":"failed",…} with exit code 1.
import { mkdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openBrowser } from './browser.mjs'
import { Camera } from './camera.mjs'
import { seeDelivery, seeEvents, seeRecording } from './outward.mjs'

const { values: options } = parseArgs({
  options: {
    base: { type: 'string' },
    user: { type: 'string', default: 'admin' },
    password: { type: 'string' },
    shots: { type: 'string' },
    hook: { type: 'string' },
    hangup: { type: 'boolean', default: false },
    patience: { type: 'string', default: '30' },
  },
})
for (const name of ['base', 'password', 'shots', 'hook']) {
  if (!options[name]) {
    console.error(`page.mjs: --${name} is missing`)
    process.exit(2)
  }
}
const patience = Number(options.patience) * 1000
const base = options.base.replace(/\/$/, '')
mkdirSync(options.shots, { recursive: true })

const say = (step, facts = {}) => console.log(JSON.stringify({ step, ...facts }))

function demand(condition, message) {
  if (!condition) throw new Error(message)
}

const browser = await openBrowser(base)
const { page, complaints } = browser
page.setDefaultTimeout(patience)
const camera = new Camera(page, options.shots)

try {
  await seePolicy()
  await logIn()
  await seeExtensions()
  const href = await seeCallBegin()
  await seeLadder(href)
  await seeCallEnd()
  await seeHistory(href)
  say('recording', await seeRecording(page, camera, demand))
  await camera.fits('a recording that plays')
  await seeFlowsAndNumbers()
  await seeProvidersRoutesAndTrunks()
  await seeBilling()
  await seeAdministration()
  await logOut()
  await seeAsAgent()
  const found = complaints()
  demand(found.length === 0, `the browser complains: ${JSON.stringify(found)}`)
  say('done', { ok: true, requests: browser.requests() })
} catch (error) {
  await page.screenshot({ path: `${options.shots}/failed.png`, fullPage: true }).catch(() => undefined)
  say('failed', { ok: false, error: String(error?.message ?? error), complaints: complaints(), url: page.url() })
  process.exitCode = 1
} finally {
  await browser.close()
}

/** The page comes with a policy that allows nothing from elsewhere and nothing inline. */
async function seePolicy() {
  const response = await page.goto(`${base}/`)
  const policy = (await response.headerValue('content-security-policy')) ?? ''
  demand(response.status() === 200, `the page answers ${response.status()}`)
  demand(/default-src 'self'/.test(policy), `the policy is ${policy || 'missing'}`)
  demand(!/unsafe-/.test(policy), `the policy allows what is unsafe: ${policy}`)
  say('policy', { policy })
}

async function logIn() {
  await page.fill('#username', options.user)
  await camera.take('login')
  await page.fill('#password', `${options.password}-not`)
  await page.keyboard.press('Enter')
  await page.waitForSelector('#login-problem span')
  const refusal = await page.innerText('#login-problem')
  demand(/wrong/i.test(refusal), `a wrong password is answered with "${refusal}"`)
  await page.fill('#password', options.password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('h1:has-text("Calls")')
  await page.waitForSelector('.link.connected')
  say('login', { refusal })
}

async function seeExtensions() {
  await page.click('nav a:has-text("Extensions")')
  await page.waitForSelector('[data-test=extensions] tbody tr')
  const extensions = await page.$$eval('[data-test=extensions] tbody tr', (rows) =>
    rows.map((row) => ({
      extension: row.dataset.extension,
      phones: [...row.querySelectorAll('.phones li')].map((phone) => phone.innerText.replace(/\s+/g, ' ').trim()),
    })),
  )
  await camera.take('extensions')
  await seeDialogs()
  say('extensions', { extensions, setup: await readSetup() })
}

/** The dialogs open, hold the focus, and close with Escape. */
async function seeDialogs() {
  for (const [name, button] of [['new', 'button:has-text("New extension")'], ['setup', 'button:has-text("Set up phone") >> nth=0'], ['delete', 'button[aria-label^=Delete] >> nth=0']]) {
    await page.click(button)
    await page.waitForSelector('dialog[open]')
    demand(await page.evaluate(() => document.querySelector('dialog[open]').contains(document.activeElement)), `the dialog "${name}" has not the focus`)
    await camera.take(`extension-${name}`)
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog', { state: 'detached' })
  }
}

/** What the page says has to be typed into a phone, by name. */
async function readSetup() {
  await page.click('button:has-text("Set up phone") >> nth=0')
  await page.waitForSelector('dialog[open] dd code')
  const setup = await page.$$eval('dialog[open] dt', (names) => names.map((name) => [name.innerText, name.nextElementSibling.querySelector('code')?.innerText ?? null]))
  await page.keyboard.press('Escape')
  await page.waitForSelector('dialog', { state: 'detached' })
  return Object.fromEntries(setup)
}

/** Waits for a call to appear by itself, without the page being loaded again. */
async function seeCallBegin() {
  await page.click('nav a:has-text("Calls")')
  await page.waitForSelector('#history-title')
  const before = await liveCalls()
  say('ready', { live: before.length })
  const row = await page.waitForFunction(
    (known) => [...document.querySelectorAll('[data-test=live-calls] a.who')].map((link) => link.getAttribute('href')).find((href) => !known.includes(href)),
    before.map((call) => call.href),
  )
  const href = await row.jsonValue()
  const link = `[data-test=live-calls] li:has(> .line a[href="${href}"])`
  await page.waitForSelector(`${link} .line [data-test=status]:has-text("Talking")`)
  const first = await page.innerText(`${link} .duration`)
  await page.waitForFunction(([selector, text]) => document.querySelector(selector).innerText !== text, [`[data-test=live-calls] a.who[href="${href}"] ~ .duration`, first])
  await camera.take('calls-live')
  say('call', (await liveCalls()).find((call) => call.href === href))
  return href
}

function liveCalls() {
  return page.$$eval('[data-test=live-calls] > li', (rows) =>
    rows.map((row) => ({
      href: row.querySelector('a.who').getAttribute('href'),
      who: row.querySelector('a.who').innerText.replace(/\s+/g, ' ').trim(),
      status: row.querySelector('[data-test=status]').innerText.trim(),
      codec: row.querySelector('.codec').innerText.trim(),
      legs: [...row.querySelectorAll('.legs li')].map((leg) => leg.innerText.replace(/\s+/g, ' ').trim()),
    })),
  )
}

/** Opens the call's own diagram and reads it with mouse and keyboard. */
async function seeLadder(href) {
  await page.click(`a.who[href="${href}"]`)
  await page.waitForSelector('[data-step]')
  const columns = await page.$$eval('[data-test=ladder] .heads .name', (names) => names.map((name) => name.textContent))
  const locks = await page.$$eval('[data-test=lock]', (all) => all.map((lock) => lock.innerText.trim()))
  demand(locks.length >= 2 && locks.every((lock) => lock === 'Not encrypted'), `a leg over UDP is locked: ${locks}`)
  const steps = await ladderSteps()
  for (const label of ['INVITE', '180', '200 OK', 'ACK']) {
    demand(steps.some((step) => step.kind === 'sip' && step.label.startsWith(label)), `the ladder has no ${label}`)
  }
  for (const kind of ['internal', 'media', 'event']) demand(steps.some((step) => step.kind === kind), `the ladder has no ${kind} step`)
  await page.click('[data-step="0"]')
  const message = await page.innerText('[data-test=message]')
  demand(/^INVITE sip:\S+ SIP\/2\.0/.test(message), `the first message is ${message.slice(0, 60)}`)
  await page.keyboard.press('ArrowDown')
  const second = await page.$eval('[data-step].selected', (step) => step.dataset.step)
  demand(second === '1', `the arrow key leads to step ${second}`)
  await page.click('[data-test=record]')
  await page.waitForSelector('[data-test=record]:has-text("Stop")')
  await camera.take('call-live')
  say('talking', { columns, steps: steps.length, title: (await page.innerText('[data-test=call-title]')).replace(/\s+/g, ' ') })
}

function ladderSteps() {
  return page.$$eval('[data-step]', (rows) =>
    rows.map((row) => ({ kind: ['sip', 'internal', 'media', 'event'].find((kind) => row.classList.contains(kind)), label: row.querySelector('.label').textContent, spoken: row.getAttribute('aria-label') })),
  )
}

/** The page sees the end without being asked; the ladder has grown. */
async function seeCallEnd() {
  const before = (await ladderSteps()).length
  if (options.hangup) await page.click('button[aria-label="Hang up"]')
  await page.waitForSelector('header [data-test=status]:not(:has(i))')
  await page.waitForFunction((count) => document.querySelectorAll('[data-step]').length > count, before)
  await page.waitForFunction(() => [...document.querySelectorAll('[data-step].sip .label')].some((label) => label.textContent.startsWith('BYE')))
  // Each leg's BYE has its answer: the ladder is complete.
  await page.waitForFunction(() => {
    const labels = [...document.querySelectorAll('[data-step].sip .label')].map((label) => label.textContent)
    const tail = labels.slice(labels.findIndex((label) => label.startsWith('BYE')))
    return tail.filter((label) => label.startsWith('200')).length >= 2
  })
  const steps = await ladderSteps()
  const facts = await page.$$eval('dl.card > div', (rows) => Object.fromEntries(rows.map((row) => [row.querySelector('dt').innerText, row.querySelector('dd').innerText])))
  await page.click('button:has-text("Copy as text")')
  const text = await page.evaluate(() => navigator.clipboard.readText())
  demand(/\+-+>\|/.test(text) && /\|<-+\+/.test(text), 'the ladder as text has no arrows')
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('button:has-text("Save SVG")')])
  const path = `${options.shots}/ladder.svg`
  await download.saveAs(path)
  const svg = readFileSync(path, 'utf8')
  demand(svg.startsWith('<svg') && !svg.includes('var(--'), 'the saved SVG does not stand alone')
  await camera.take('call-ended')
  say('ended', { status: await page.innerText('header [data-test=status]'), facts, steps: steps.length, before, ladder: text, svg: svg.length })
}

async function seeHistory(href) {
  await page.click('.back')
  await page.waitForSelector(`[data-test=past-calls] a.who[href="${href}"]`)
  await page.fill('input[type=search]', 'no such number')
  await page.waitForSelector('text=No call fits')
  await page.fill('input[type=search]', '')
  await camera.take('calls-history')
  await page.reload()
  await page.waitForSelector(`[data-test=past-calls] a.who[href="${href}"]`)
  say('history', { reloaded: true })
}

/** Fills the open dialog's fields by their labels, and saves. */
async function fillDialog(fields, button) {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value)
  await page.click(`dialog[open] button:has-text("${button}")`)
}

/** A flow that cannot be run is refused at its action; a good one is saved, and a number leads to it. */
async function seeFlowsAndNumbers() {
  await page.click('nav a:has-text("Flows")')
  await page.click('a:has-text("New flow")')
  await page.waitForSelector('[data-test=flow]')
  await page.getByLabel('Name', { exact: true }).fill('Welcome')
  await page.getByLabel('Actions', { exact: true }).fill('[{"type": "answer"}, {"type": "dance"}]')
  await page.click('button:has-text("Save")')
  await page.waitForSelector('[data-test=findings] li')
  const finding = await page.innerText('[data-test=findings]')
  demand(/Action 2, dance/.test(finding), `the finding is ${finding}`)
  await camera.take('flow-findings')
  await page.getByLabel('Actions', { exact: true }).fill('[{"type": "answer"}, {"type": "beep"}, {"type": "hangup"}]')
  await page.click('button:has-text("Save")')
  await page.waitForSelector('h1:has-text("Welcome")')
  demand(/#\/flows\/[0-9a-f-]{36}$/.test(page.url()), `a new flow is at ${page.url()}`)
  await camera.fits('the flow')
  await page.click('nav a:has-text("Flows")')
  await page.waitForSelector('[data-test=flows] a:has-text("Welcome")')
  await camera.fits('the list of flows')
  await page.click('nav a:has-text("Numbers")')
  await page.click('button:has-text("New number")')
  await page.waitForSelector('dialog[open] option:has-text("Welcome")', { state: 'attached' })
  await page.getByLabel('Calls go through', { exact: true }).selectOption({ label: 'Welcome' })
  await fillDialog({ Number: '+493012345', Name: 'Main line' }, 'Create number')
  await page.waitForSelector('[data-number="+493012345"] a:has-text("Welcome")')
  await camera.take('numbers')
  await camera.fits('the list of numbers')
  say('flows', { finding })
}

/** Opens a page of the administration. */
async function administrate(name) {
  await page.click('nav.wide button:has-text("Administration")')
  await page.click(`nav.wide li a:has-text("${name}")`)
}

/** A provider that nobody is with the route that its form makes, another route, and a trunk: their forms say what is missing before the box is asked. */
async function seeProvidersRoutesAndTrunks() {
  await administrate('Providers')
  await page.click('button:has-text("New provider")')
  await fillDialog({ Host: 'not a host' }, 'Create provider')
  await page.waitForSelector('dialog[open] [role=alert]:has-text("host name")')
  await camera.take('provider-new')
  await fillDialog({ Host: '127.0.0.1', Port: '9', Account: 'box', Password: 'secret-of-ours', Name: 'Telco' }, 'Create provider')
  await page.waitForSelector('[data-provider="127.0.0.1"] .badge')
  await page.click('[data-provider="127.0.0.1"] button[title=Edit]')
  await fillDialog({ 'Calls show': '+493012345' }, 'Save')
  await page.waitForSelector('[data-provider="127.0.0.1"]:has-text("calls show +493012345")')
  await camera.take('providers')
  await camera.fits('the list of providers')
  await administrate('Routes')
  await page.waitForSelector('[data-route="all"]:has-text("Telco")')
  await page.click('button:has-text("New route"):not([disabled])')
  await fillDialog({ 'Numbers that begin with': '+49' }, 'Create route')
  await page.waitForSelector('[data-route="+49"]:has-text("Telco")')
  const order = await page.locator('[data-test=routes] tbody tr').evaluateAll((rows) => rows.map((row) => row.dataset.route))
  demand(order.join() === '+49,all', `routes stand as ${order}`)
  await camera.take('routes')
  await camera.fits('the list of routes')
  await administrate('Trunks')
  await page.click('button:has-text("New trunk")')
  await fillDialog({ Domain: 'telco' }, 'Create trunk')
  await page.waitForSelector('dialog[open] [role=alert]:has-text("by its addresses")')
  await fillDialog({ Addresses: '192.0.2.0/24' }, 'Create trunk')
  await page.waitForSelector('[data-trunk=telco]:has-text("192.0.2.0/24")')
  await camera.take('trunks')
  await camera.fits('the list of trunks')
  say('trunks', { order })
}

/** A tag, a user of role agent, an access key that works, and the settings. */
async function seeAdministration() {
  await administrate('Tags')
  await page.click('button:has-text("New tag")')
  await fillDialog({ Name: 'sales' }, 'Create tag')
  await page.waitForSelector('[data-test=tags] td:has-text("sales")')
  await camera.fits('the list of tags')
  await administrate('Users')
  await page.click('button:has-text("New user")')
  await page.waitForSelector('dialog[open]')
  await camera.take('user-new')
  await page.getByLabel('sales').check()
  await fillDialog({ 'User name': 'ada', Name: 'Ada', Password: 'analytical engine', 'Rung at': '1001\n+493012345' }, 'Create user')
  await page.waitForSelector('[data-agent=ada] .badge:has-text("sales")')
  await camera.take('users')
  await camera.fits('the list of users')
  await administrate('Access keys')
  await page.click('button:has-text("New access key")')
  await fillDialog({ Name: 'crm' }, 'Create access key')
  const key = await page.innerText('[data-test=accesskey]')
  await camera.take('accesskey')
  await page.click('dialog[open] button:has-text("Done")')
  await page.waitForSelector('[data-test=accesskeys] td:has-text("crm")')
  await camera.fits('the list of access keys')
  const me = await fetch(`${base}/v1.0/me`, { headers: { authorization: `Bearer ${key}` } })
  demand(me.status === 200 && (await me.json()).username === options.user, `the access key is answered ${me.status}`)
  demand(!(await page.content()).includes(key), 'the access key is still on the page')
  await page.click('button[aria-label="Delete crm"]')
  await page.click('dialog[open] button:has-text("Delete access key")')
  await page.waitForSelector('text=No access keys yet')
  const gone = await fetch(`${base}/v1.0/me`, { headers: { authorization: `Bearer ${key}` } })
  demand(gone.status === 401, `a deleted access key is answered ${gone.status}`)
  await administrate('Settings')
  await page.waitForSelector('[data-test=customer]')
  await page.getByLabel('Name', { exact: true }).fill('Analytical Ltd.')
  await page.getByLabel('Webhook', { exact: true }).fill(options.hook)
  await page.getByLabel('Method', { exact: true }).selectOption('POST')
  await page.getByLabel('Secret', { exact: true }).fill('for the other side')
  await page.click('[data-test=customer] button:has-text("Save")')
  await page.waitForSelector('text=Saved')
  await page.waitForSelector('[data-test=certificate] .badge:has-text("own")')
  demand(/tandem\.local/.test(await page.innerText('[data-test=certificate]')), 'the certificate is for no name of the box')
  await page.click('[data-test=certificate] summary:has-text("ACME")')
  await page.getByLabel('Names', { exact: true }).fill('pbx.example.com')
  demand(await page.isDisabled('[data-test=acme] button:has-text("Ask for it")'), 'an ACME server is asked without its terms')
  await page.click('[data-test=certificate] summary:has-text("Another certificate")')
  await page.getByLabel('Certificate and those above it (PEM)').fill('nothing of that kind')
  await page.getByLabel('Private key (PEM, without a password)').fill('nor this')
  await page.click('[data-test=certificate] button:has-text("Use it")')
  await page.waitForSelector('[data-test=certificate] :text("certificate"):text("has no certificate in it")')
  await camera.take('settings')
  await camera.fits('the settings')
  await page.click('[data-test=certificate] a:has-text("how that is done")')
  await page.waitForSelector('[data-test=trust] details[open] li')
  demand(/([0-9A-F]{2}:){31}[0-9A-F]{2}/.test(await page.innerText('[data-test=trust]')), 'the authority has no fingerprint')
  await camera.take('trust')
  await camera.fits('how the box is trusted')
  await page.click('[data-test=trust] a:has-text("Back")')
  await administrate('Delivery')
  say('delivery', await seeDelivery(page, camera, demand))
  await camera.fits('what leaves the box')
  await administrate('Events')
  await seeEvents(page, camera, demand, () => page.evaluate(async () => {
    const { token } = JSON.parse(sessionStorage.getItem('tandem.session'))
    await fetch('/v1.0/tags', { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ name: 'while it was looked at' }) })
  }))
  await camera.fits('the events')
  await page.click('nav a:has-text("Recordings")')
  await page.waitForSelector('h1:has-text("Recordings")')
  await camera.fits('the list of recordings')
  await seeFoldedMenu()
  say('administration', { key: key.slice(0, 8) })
}

/** Prices are set, money is paid in, and the ledger has it. */
async function seeBilling() {
  await administrate('Billing')
  await page.waitForSelector('[data-test=balance]:has-text("0.00 USD")')
  await page.waitForSelector('text=Nothing was charged yet')
  await page.fill('[data-test=call_pstn_outgoing]', '0.02x')
  demand(await page.isDisabled('[data-test=prices] button:has-text("Save")'), 'a price that is none can be saved')
  await page.fill('[data-test=call_pstn_outgoing]', '0,02')
  await page.getByLabel('Low balance', { exact: true }).fill('20')
  await page.click('[data-test=prices] button:has-text("Save")')
  await page.waitForSelector('text=Saved')
  await page.waitForSelector('[data-test=balance-notice]:has-text("The balance is spent")')
  await page.click('button:has-text("Pay in")')
  await page.fill('[data-test=amount]', '12.5')
  await page.click('dialog[open] button:has-text("Pay in")')
  await page.waitForSelector('[data-test=balance]:has-text("12.50 USD")')
  await page.waitForSelector('[data-test=ledger] tr[data-kind=top_up] td:has-text("12.50")')
  await page.waitForSelector('[data-test=balance-notice]:has-text("The balance is low")')
  await camera.take('billing')
  await camera.fits('billing')
  say('billing')
}

/** On a telephone the pages are folded into a menu that the keyboard opens and closes. */
async function seeFoldedMenu() {
  await page.setViewportSize({ width: 390, height: 844 })
  await page.focus('nav.narrow button')
  await page.keyboard.press('Enter')
  await page.waitForSelector('nav.narrow li a:has-text("Settings")')
  await page.screenshot({ path: `${options.shots}/menu-phone.png` })
  await page.keyboard.press('Escape')
  await page.waitForSelector('nav.narrow li', { state: 'detached' })
  demand(await page.evaluate(() => document.activeElement.matches('nav.narrow button')), 'the focus is not on the menu again')
  await page.keyboard.press('Enter')
  await page.click('nav.narrow li a:has-text("Calls")')
  await page.waitForSelector('h1:has-text("Calls")')
  await page.setViewportSize({ width: 1360, height: 900 })
}

/** Whoever is an agent sees, and finds nothing to change. */
async function seeAsAgent() {
  await page.fill('#username', 'ada')
  await page.fill('#password', 'analytical engine')
  await page.keyboard.press('Enter')
  await page.waitForSelector('.link.connected')
  await page.click('nav a:has-text("Extensions")')
  await page.waitForSelector('[data-test=extensions] tbody tr')
  demand((await page.$$('.acts [aria-label^=Edit], .acts [aria-label^=Delete], button:has-text("New extension")')).length === 0, 'an agent finds something to change')
  await page.click('nav.wide button:has-text("Administration")')
  const entries = await page.$$eval('nav.wide li a', (links) => links.map((link) => link.innerText))
  demand(entries.join() === 'Users,Tags', `an agent is shown ${entries}`)
  await page.click('nav.wide li a:has-text("Users")')
  await page.waitForSelector('[data-agent=ada]')
  demand((await page.$$('.acts .button, button:has-text("New user")')).length === 0, 'an agent finds users to change')
  await camera.take('users-as-agent')
  await logOut()
}

async function logOut() {
  await page.click('button[aria-label="Log out"]')
  await page.waitForSelector('#password')
  demand((await page.evaluate(() => sessionStorage.length)) === 0, 'something of the session is left')
  say('logout')
}
