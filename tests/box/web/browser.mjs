// Debian's chromium with a fresh profile that may speak to one host only, and a record of everything it complains about.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** The name by which a page is not trusted, as it would not be in an office; 127.0.0.1 is trusted without HTTPS, too. */
export const NAME = 'tandem.test'

/** Opens a browser, with more flags and settings; `complaints()` lists console errors, policy violations and requests to any other host. */
export async function openBrowser(base, { flags = [], context: settings = {} } = {}) {
  const host = new URL(base).hostname
  const profile = mkdtempSync(join(tmpdir(), 'tandem-page-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(),
    headless: true,
    args: [...FLAGS, ...flags, `--host-resolver-rules=MAP ${NAME} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE ${host === NAME ? '127.0.0.1' : host}`],
    viewport: { width: 1360, height: 900 },
    colorScheme: 'light',
    permissions: ['clipboard-read', 'clipboard-write'],
    ...settings,
  })
  const page = context.pages()[0] ?? (await context.newPage())
  const record = await watch(context, page, base)
  const close = async () => {
    await context.close().catch(() => undefined)
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  return { page, close, complaints: () => record.complaints, requests: () => record.requests }
}

/** A wrong log-in, a wrong setup code, a flow that cannot be run, a certificate that is none, a restart, an update and a network of what is no board. */
const REFUSED = {
  '/auth/login': 401,
  '/v1.0/certificate': 400,
  '/v1.0/flows': 400,
  '/v1.0/setup': 403,
  '/v1.0/system/network': 404,
  '/v1.0/system/reboot': 404,
  '/v1.0/system/update': 404,
}

async function watch(context, page, base) {
  const record = { complaints: [], requests: 0 }
  const complain = (kind, what) => record.complaints.push({ kind, what })
  const origin = new URL(base).host
  const check = (url) => {
    record.requests += 1
    const { protocol, host } = new URL(url)
    if (!['blob:', 'data:'].includes(protocol) && host !== origin) complain('foreign request', url)
  }
  context.on('request', (request) => check(request.url()))
  page.on('websocket', (socket) => check(socket.url()))
  page.on('pageerror', (error) => complain('page error', String(error.stack ?? error)))
  page.on('console', (message) => {
    // The browser itself reports what is refused as a part of the test.
    const wasRefused = Object.entries(REFUSED).some(([path, status]) => message.location().url.endsWith(path) && message.text().includes(` ${status} `))
    if (['error', 'warning'].includes(message.type()) && !wasRefused) complain(`console ${message.type()}`, message.text())
  })
  await page.exposeBinding('tandemPolicyViolation', (_, what) => complain('policy violation', what))
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => window.tandemPolicyViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`))
  })
  return record
}
