// The page of examples/webrtc in Debian's chromium, whose microphone is a file; says what happened, one JSON object a line.
//
//   node example.mjs --page http://127.0.0.1:9000/ --box http://127.0.0.1:8080 --token TOKEN --number 1002 --microphone WAV --pitch 900
import { parseArgs } from 'node:util'
import { openBrowser } from './browser.mjs'
import { listen } from './ear.mjs'

const names = ['page', 'box', 'token', 'number', 'microphone', 'pitch']
const options = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) }).values
const say = (step, facts = {}) => console.log(JSON.stringify({ step, ...facts }))
const flags = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${options.microphone}`]
const browser = await openBrowser(options.page, { flags, context: { permissions: ['microphone'] } })

try {
  const { page } = browser
  page.setDefaultTimeout(15_000)
  await page.addInitScript(listen)
  await page.goto(options.page)
  const call = async (number, token) => {
    for (const [name, value] of Object.entries({ box: options.box, token, number })) await page.fill(`[name=${name}]`, value)
    await page.click('button:has-text("Call")')
  }
  const state = (text) => page.waitForSelector(`#state:has-text("${text}")`)
  await call(options.number, options.token)
  await state('talking')
  const heard = await page.waitForFunction((pitch) => (window.ear.shares([pitch])?.shares[0] ?? 0) > 0.8 && window.ear.shares([pitch]), Number(options.pitch))
  say('heard', await heard.jsonValue())
  await page.waitForTimeout(1500)
  await page.click('#end')
  await state('over: normal')
  await call('1999', options.token)
  await state('over: failed')
  say('done', { ok: true, errors: browser.complaints().filter(({ kind }) => kind !== 'foreign request') })
} catch (error) {
  say('failed', { ok: false, error: String(error?.stack ?? error), state: await browser.page.innerText('#state').catch(() => ''), complaints: browser.complaints() })
  process.exitCode = 1
} finally {
  await browser.close()
}
