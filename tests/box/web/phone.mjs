// Two people with softphones in Debian's chromium, and desk phones that others drive; says what happened, one JSON object a line.
//
//   node phone.mjs --base https://127.0.0.1:8443 --http http://127.0.0.1:8080 --ada WAV --bob WAV --shots DIR [--patience SECONDS]
//
// ada (1001) says 620 Hz and bob (1002) 350; a desk phone at 1003 answers by itself and says 1000, one at 1004 says 2125. Whoever starts this waits for the steps
// and does what desk phones do: after "ringable" 1003 calls 1001. The last line is {"step":"done","ok":true}, or {"step":"failed",…} with exit code 1.
import { mkdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Camera } from './camera.mjs'
import { Softphone } from './softphone.mjs'

const options = parseArgs({
  options: { base: { type: 'string' }, http: { type: 'string' }, ada: { type: 'string' }, bob: { type: 'string' }, shots: { type: 'string' }, patience: { type: 'string', default: '15' } },
}).values
const patience = Number(options.patience) * 1000
const [ADA, BOB, DESK, OTHER] = ['1001', '1002', '1003', '1004']
const PITCH = { [ADA]: 620, [BOB]: 350, [DESK]: 1000, [OTHER]: 2125 }
mkdirSync(options.shots, { recursive: true })

const say = (step, facts = {}) => console.log(JSON.stringify({ step, ...facts }))
const demand = (condition, message) => {
  if (!condition) throw new Error(message)
}
const phones = []

try {
  const open = (user) => Softphone.open({ base: options.base, user, password: `${user} telephones`, microphone: options[user], patience })
  const [ada, bob] = await Promise.all([open('ada'), open('bob')])
  phones.push(ada, bob)
  const camera = new Camera(ada.page, options.shots)
  await Promise.all([ada.register(), bob.register()])
  await camera.take('phone-idle')
  say('registered')
  await seeSpeed(ada)
  await seeOneCall(ada, camera)
  await seeCallCome(ada, camera)
  await seeBlindTransfer(ada, bob)
  await seeEachOther(ada, bob, camera)
  await seeAttendedTransfer(ada, bob, camera)
  await seeConference(ada, bob, camera)
  await seeReconnect(ada, bob)
  await leave(ada, bob)
  await seeNoExtension(ada)
  const complaints = phones.flatMap((phone) => phone.browser.complaints())
  demand(complaints.length === 0, `the browsers complain: ${JSON.stringify(complaints)}`)
  await seeLacks()
  say('done', { ok: true })
} catch (error) {
  for (const { page, user } of phones) await page.screenshot({ path: `${options.shots}/failed-${user}.png`, fullPage: true }).catch(() => undefined)
  say('failed', { ok: false, error: String(error?.stack ?? error), complaints: phones.flatMap((phone) => phone.browser.complaints()) })
  process.exitCode = 1
} finally {
  await Promise.all(phones.map((phone) => phone.browser.close()))
}

/** How long it takes from the wish to the sound of a phone that answers at once. */
async function seeSpeed(ada) {
  const times = []
  for (let call = 0; call < 7; call += 1) {
    await ada.call(DESK)
    await ada.see(DESK, 'Talking')
    times.push(await ada.untilSound())
    await ada.page.keyboard.press('Escape')
    await ada.see(DESK, 'You hung up')
  }
  const [, , , middle] = [...times].sort((a, b) => a - b)
  say('speed', { times, p50: middle })
}

/** A call to a desk phone: keys, hold, mute. */
async function seeOneCall(ada, camera) {
  await ada.call(OTHER)
  await ada.see(OTHER, 'Talking')
  const shares = await ada.hear(PITCH[OTHER])
  // What the other one hears by now is looked at in its file.
  await ada.page.waitForTimeout(1800)
  const quality = (await ada.page.innerText('[data-test=quality]')).replace(/\s+/g, ' ')
  demand(/Opinion (Good|Fair) [34]\.\d/.test(quality) && /Codec (opus|PCMU|PCMA|G722)/.test(quality), `the quality is ${quality}`)
  const levels = await ada.page.$$eval('[data-test^=level-]', (meters) => meters.map((meter) => Number(meter.ariaValueNow)))
  demand(levels.length === 2 && levels.every((level) => level > 0.3), `the levels are ${levels}`)
  await camera.take('phone-talking')
  await ada.page.click('h1')
  await ada.page.keyboard.press('5')
  await ada.page.keyboard.press('#')
  demand((await ada.page.innerText('[data-test=phone-digits]')) === '5#', 'the keys are not shown')
  say('keys', { keys: '5#' })
  await ada.page.waitForTimeout(600)
  await ada.press('Hold', OTHER)
  await ada.see(OTHER, 'On hold')
  await ada.hearNothing()
  await ada.press('Take up', OTHER)
  await ada.see(OTHER, 'Talking')
  await ada.hear(PITCH[OTHER])
  await ada.press('Mute', OTHER)
  await ada.see(OTHER, 'Muted')
  await ada.page.waitForTimeout(1200)
  await ada.press('Unmute', OTHER)
  await ada.page.keyboard.press('Escape')
  await ada.see(OTHER, 'You hung up')
  say('one call', { shares, quality, levels })
}

/** A desk phone calls while another page is looked at. */
async function seeCallCome(ada, camera) {
  await ada.show('extensions')
  await ada.page.waitForSelector('[data-test=extensions] tbody tr')
  say('ringable')
  await ada.page.waitForSelector('[data-test=ringing]')
  await ada.page.waitForFunction(() => document.title.startsWith('☎'))
  const news = await ada.page.textContent('[data-test=phone-news]')
  demand(/1003.*is calling/.test(news), `it is said: ${news}`)
  await camera.take('phone-rings')
  await ada.page.click('[data-test=ringing] button:has-text("Answer")')
  await ada.page.waitForSelector('[data-test=ongoing] .badge:has-text("Talking")')
  await ada.hear(PITCH[DESK])
  await ada.page.click('[data-test=ongoing] a')
  await ada.see(DESK, 'Talking')
  say('answered', { news })
}

/** ada hands the desk phone over to bob. */
async function seeBlindTransfer(ada, bob) {
  await ada.press('Transfer', DESK)
  await ada.page.keyboard.type(BOB)
  await ada.page.keyboard.press('Enter')
  await bob.see(DESK, 'Rings')
  await bob.page.keyboard.press('Enter')
  await bob.see(DESK, 'Talking')
  await ada.see(DESK, 'Handed over')
  await bob.hear(PITCH[DESK])
  await bob.press('Hang up', DESK)
  await bob.see(DESK, 'You hung up')
  say('blind')
}

/** Browser and browser. */
async function seeEachOther(ada, bob, camera) {
  await bob.call(ADA)
  await ada.see(BOB, 'Rings')
  await ada.page.keyboard.press('Enter')
  await bob.see(ADA, 'Talking')
  await Promise.all([ada.hear(PITCH[BOB]), bob.hear(PITCH[ADA])])
  await ada.press('Hold', BOB)
  await bob.hearNot(PITCH[ADA])
  await ada.press('Take up', BOB)
  await bob.hear(PITCH[ADA])
  await camera.take('phone-browser')
  say('each other')
}

/** ada asks the desk phone, then leaves bob with it. */
async function seeAttendedTransfer(ada, bob, camera) {
  await ada.press('Transfer', BOB)
  await ada.page.keyboard.type(DESK)
  await camera.take('phone-transfer')
  await ada.press('Ask first')
  await ada.see(DESK, 'Talking')
  await ada.see(BOB, 'On hold')
  await ada.hear(PITCH[DESK])
  await camera.take('phone-two-calls')
  await ada.press(`Connect ${BOB} with ${DESK}`)
  await ada.see(DESK, 'Joined')
  await bob.hear(PITCH[DESK])
  await bob.press('Hang up')
  say('attended')
}

/** ada, bob and the desk phone in a room. */
async function seeConference(ada, bob, camera) {
  await ada.call(BOB)
  await bob.see(ADA, 'Rings')
  await bob.page.keyboard.press('Enter')
  await ada.see(BOB, 'Talking')
  await ada.press('Hold', BOB)
  await ada.see(BOB, 'On hold')
  await ada.call(DESK)
  await ada.see(DESK, 'Talking')
  await ada.press('Conference')
  await ada.page.waitForSelector('[data-test=phone-call][data-number^="conference-"] [data-test=phone-state]:has-text("Talking")')
  const shares = await Promise.all([ada.hear(PITCH[BOB], PITCH[DESK]), bob.hear(PITCH[ADA], PITCH[DESK])])
  await camera.take('phone-conference')
  say('conference', { shares })
}

/** The connection goes away while they talk: they go on talking, and it comes back. */
async function seeReconnect(ada, bob) {
  await ada.loseConnection()
  await ada.page.waitForSelector('[data-test=registration]:not(:has-text("Ready"))')
  await bob.hear(PITCH[ADA], PITCH[DESK])
  await ada.page.waitForSelector('[data-test=registration]:has-text("Ready")')
  await ada.hear(PITCH[BOB], PITCH[DESK])
  await ada.changeNetwork()
  await Promise.all([ada.hear(PITCH[BOB], PITCH[DESK]), bob.hear(PITCH[ADA], PITCH[DESK])])
  say('reconnected')
}

/** Logging out ends the call and the registration. */
async function leave(ada, bob) {
  await ada.page.click('button[aria-label="Log out"]')
  await ada.page.waitForSelector('#password')
  await bob.page.keyboard.press('Escape')
  await bob.page.click('[role=switch]')
  await bob.page.waitForSelector('[data-test=registration]:has-text("Off")')
  say('left')
}

/** Whoever has no extension is told so. */
async function seeNoExtension(phone) {
  await phone.logIn('eve', 'eve telephones')
  await phone.page.click('nav.wide a:has-text("Phone")')
  await phone.page.waitForSelector('[data-test=lack]:has-text("No extension is yours")')
  await new Camera(phone.page, options.shots).fits('the phone without an extension')
  await phone.page.screenshot({ path: `${options.shots}/phone-no-extension.png` })
}

/** By a name and without HTTPS there is no microphone at all, and where it is withheld that is said when it is wanted. */
async function seeLacks() {
  const guest = await Softphone.openUntrusted({ base: options.http, user: 'bob', password: 'bob telephones', patience })
  phones.push(guest)
  await guest.show('phone')
  await guest.page.waitForSelector('[data-test=lack]:has-text("came over http")')
  await guest.page.screenshot({ path: `${options.shots}/phone-insecure.png` })
  await guest.page.goto(options.http)
  await guest.logIn('bob', 'bob telephones')
  await guest.register()
  await guest.call(DESK)
  await guest.page.waitForSelector('[data-test=lack]:has-text("not allowed")')
  await guest.page.screenshot({ path: `${options.shots}/phone-no-microphone.png` })
  say('lacks')
}
