// The pages of examples/webrtc in Debian's chromium, whose microphone is a file; says what happened, one JSON object a line.
//
//   node example.mjs --page http://127.0.0.1:9000/ --box http://127.0.0.1:8080 --token TOKEN --microphone WAV --pitch 900 [--number 1002] [--flag=--of-chromium]
//
// With a number the page calls it, and then one that there is not; without one it waits for a call, which whoever starts this makes after "ringable".
import { parseArgs } from 'node:util'
import { openBrowser } from './browser.mjs'
import { listen } from './ear.mjs'

const names = ['page', 'box', 'token', 'number', 'microphone', 'pitch', 'flag']
const options = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) }).values
const say = (step, facts = {}) => console.log(JSON.stringify({ step, ...facts }))
const flags = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${options.microphone}`, ...(options.flag ? [options.flag] : [])]
const browser = await openBrowser(options.page, { flags, context: { permissions: ['microphone'] } })

/** How the audio of the latest call goes, as the browser itself sees it. */
async function way() {
  const stats = [...(await window.ear.peers.at(-1).getStats()).values()]
  const pair = stats.find((one) => one.type === 'candidate-pair' && one.nominated && one.state === 'succeeded')
  const candidate = (id) => stats.find((one) => one.id === id)
  return { protocol: candidate(pair.localCandidateId).protocol, port: candidate(pair.remoteCandidateId).port }
}

const { page } = browser
const state = (text) => page.waitForSelector(`#state:has-text("${text}")`)

async function begin(button, fields) {
  for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value)
  await page.click(`button:has-text("${button}")`)
}

/** Hears the other side for a while, and hangs up. */
async function talk() {
  await state('talking')
  const heard = await page.waitForFunction((pitch) => (window.ear.shares([pitch])?.shares[0] ?? 0) > 0.8 && window.ear.shares([pitch]), Number(options.pitch))
  say('heard', { ...(await heard.jsonValue()), way: await page.evaluate(way) })
  await page.waitForTimeout(1500)
  await page.click('#end')
  await state('over: normal')
}

try {
  page.setDefaultTimeout(15_000)
  await page.addInitScript(listen)
  await page.goto(options.page)
  const { box, token, number } = options
  if (number) {
    await begin('Call', { box, token, number })
    await talk()
    await begin('Call', { box, token, number: '1999' })
    await state('over: failed')
  } else {
    await begin('Wait', { box, token })
    await state('waiting at')
    say('ringable')
    await talk()
  }
  say('done', { ok: true, errors: browser.complaints().filter(({ kind }) => kind !== 'foreign request') })
} catch (error) {
  say('failed', { ok: false, error: String(error?.stack ?? error), state: await browser.page.innerText('#state').catch(() => ''), complaints: browser.complaints() })
  process.exitCode = 1
} finally {
  await browser.close()
}
