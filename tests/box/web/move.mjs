// A softphone in Debian's chromium that goes into another network in the middle of a call; says what happened, one JSON object a line.
//
//   node move.mjs --base https://198.51.100.1:8443 --number 1002 --microphone WAV --pitch 1000 --move 'ip link set …' [--patience SECONDS]
//
// ada calls the number and hears the pitch; then the command is run, which takes the browser's address away and gives it another one. Nothing is done in the page.
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { Softphone } from './softphone.mjs'

const names = ['base', 'number', 'microphone', 'pitch', 'move']
const words = Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
const options = parseArgs({ options: { ...words, patience: { type: 'string', default: '30' } } }).values
const [patience, pitch] = [Number(options.patience) * 1000, Number(options.pitch)]
const say = (step, facts = {}) => console.log(JSON.stringify({ step, ...facts }))
let phone

try {
  phone = await Softphone.open({ base: options.base, user: 'ada', password: 'ada telephones', microphone: options.microphone, patience })
  await phone.register()
  await phone.call(options.number)
  await phone.see(options.number, 'Talking')
  await phone.hear(pitch)
  await phone.page.waitForTimeout(2000)
  const before = await phone.way()
  say('talking', { way: before })
  execFileSync('sh', ['-c', options.move], { stdio: 'inherit' })
  const moved = Date.now()
  await phone.hearNothing()
  say('silent', { after: Date.now() - moved })
  await phone.hear(pitch)
  say('heard again', { after: Date.now() - moved })
  const deadline = Date.now() + patience
  while ((await phone.way()) === before) {
    if (Date.now() > deadline) throw new Error('ICE has not begun anew')
    await phone.page.waitForTimeout(100)
  }
  say('restarted', { after: Date.now() - moved })
  // What the other one hears by now is looked at in its file.
  await phone.page.waitForTimeout(3000)
  await phone.hear(pitch)
  await phone.page.keyboard.press('Escape')
  await phone.see(options.number, 'You hung up')
  say('done', { ok: true })
} catch (error) {
  const [seen, ways] = phone ? [await phone.page.innerText('body').catch(() => ''), await phone.page.evaluate(() => window.ear.peers.map((peer) => peer.iceConnectionState)).catch(() => [])] : ['', []]
  say('failed', { ok: false, error: String(error?.stack ?? error), seen, ways, complaints: phone?.browser.complaints() })
  process.exitCode = 1
} finally {
  await phone?.browser.close()
}
