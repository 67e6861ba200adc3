// A stand-in for the exchange, only for looking at the page: `npm run fixture`, then log in as admin / secret, or by the number of an extension, to be that one on the softphone.
// Serves the built page with the exchange's own security headers. Nothing is tested against it.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { randomUUID } from 'node:crypto'
import { serve as serveSip } from './sip.mjs'
import { accept } from './websocket.mjs'
import { CUSTOMER, makeExtensions, Scenario } from './world.mjs'

const PORT = Number(process.env.PORT ?? 8099)
const DIST = new URL('../dist', import.meta.url).pathname
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
const CSP = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
const ERRORS = { 400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 404: 'NOT_FOUND', 409: 'ALREADY_EXISTS', 429: 'RESOURCE_EXHAUSTED' }

let extensions = makeExtensions()
const now = Date.now()
const scenarios = []
for (let n = 1; n <= 130; n += 1) {
  const kind = n % 5 === 2 ? 'busy' : 'answered'
  scenarios.push(new Scenario([1001, 1002, 1003, 1004][n % 4], [1002, 1003, 2001, 1001][n % 4], now - n * 1000 * 60 * 17, (n * 7919) % 400000, kind))
}
scenarios.unshift(new Scenario(1003, 1004, now - 154000, 3600_000))
const sockets = new Set()
let failures = 0
let sequence = 4711

/** Tells every socket what changed since the last look. */
const told = new Map()
setInterval(() => {
  for (const call of scenarios.flatMap((one) => one.at(Date.now()))) {
    const before = told.get(call.id)
    told.set(call.id, call.status)
    if (before === call.status || (before === undefined && Date.now() - Date.parse(call.tm_create) > 1000)) continue
    emit({ dialing: 'call_created', ringing: 'call_ringing', progressing: 'call_answered', hangup: 'call_hungup' }[call.status], call)
  }
}, 50)
if (process.env.CALLS !== 'none') setInterval(() => scenarios.unshift(new Scenario(1001, 1002, Date.now(), 12_000)), 25_000)

function emit(type, data) {
  const text = JSON.stringify({ type, data, seq: ++sequence })
  for (const socket of sockets) socket.send(text)
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://fixture')
  let body = ''
  for await (const chunk of request) body += chunk
  if (!/^\/(auth|v1\.0)\//.test(url.pathname)) return serve(url.pathname, response)
  const answer = (status, value, headers = {}) => {
    const text = status >= 400 ? { error: { status: ERRORS[status], reason: value[0], message: value[1], request_id: randomUUID() } } : value
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(text))
  }
  if (url.pathname === '/auth/logout') return response.writeHead(204).end()
  if (url.pathname === '/auth/login') return login(JSON.parse(body), answer)
  const [, user] = /^Bearer fixture-(\w+)$/.exec(request.headers.authorization ?? '') ?? []
  if (!user) return answer(401, ['AUTHENTICATION_REQUIRED', 'authentication required'])
  if (url.pathname === '/v1.0/me') return answer(200, { id: randomUUID(), customer_id: CUSTOMER, username: user, permission: 'admin', addresses: addressesOf(user) })
  if (url.pathname === '/v1.0/webrtc') return answer(200, webrtcOf(user))
  if (url.pathname === '/v1.0/box') return answer(200, { customer_id: CUSTOMER, version: '0.1.0', domain_name: 'tandem.lan', sip: { address: null, port: 5060, transports: ['udp', 'tcp'] } })
  const [, , noun, id, verb] = url.pathname.split('/')
  if (noun === 'extensions') return handleExtension(request.method, id, body && JSON.parse(body), answer)
  if (noun === 'calls') return handleCall(url, id, verb, answer)
  answer(404, ['ROUTE_NOT_FOUND', `no route ${url.pathname}`])
})

function login({ username, password }, answer) {
  if (failures >= 4) return answer(429, ['RATE_LIMIT_EXCEEDED', 'too many attempts'], { 'retry-after': '20' })
  if (password === 'secret') return answer(200, { username, token: `fixture-${username}` })
  failures += 1
  setTimeout(() => (failures = 0), 20_000)
  answer(401, ['INVALID_CREDENTIALS', 'wrong user name or password'])
}

/** Whose name is no number has an extension all the same. */
function addressesOf(user) {
  const own = extensions.find((one) => one.extension === user) ?? extensions[0]
  return [{ type: 'extension', target: own.extension, target_name: own.name }]
}

/** What a page has to know before it calls. */
function webrtcOf(user) {
  const extensions = addressesOf(user).map(({ target, target_name }) => ({ extension: target, name: target_name }))
  return { sip_path: '/sip', ws_path: '/v1.0/webrtc/ws', domain_name: 'tandem.lan', extensions, ice_servers: [], codecs: ['opus'] }
}

function handleExtension(method, id, body, answer) {
  const found = extensions.find((one) => one.id === id)
  if (id && !found) return answer(404, ['EXTENSION_NOT_FOUND', 'extension not found'])
  if (method === 'GET') return answer(200, id ? found : { result: extensions, next_page_token: '' })
  if (method === 'POST') {
    if (extensions.some((one) => one.extension === body.extension)) return answer(409, ['EXTENSION_ALREADY_EXISTS', `extension ${body.extension} already exists`])
    const made = { ...extensions[0], ...body, id: randomUUID(), username: body.extension, registrations: [] }
    extensions.push(made)
    emit('extension_created', made)
    return answer(200, made)
  }
  if (method === 'PUT') Object.assign(found, body)
  if (method === 'DELETE') extensions = extensions.filter((one) => one !== found)
  emit(method === 'PUT' ? 'extension_updated' : 'extension_deleted', found)
  answer(200, found)
}

function handleCall(url, id, verb, answer) {
  const at = Date.now()
  if (!id) {
    const everything = scenarios.filter((one) => one.start <= at).sort((a, b) => b.start - a.start).flatMap((one) => one.at(at).reverse())
    const all = url.searchParams.get('live') === 'true' ? everything.filter((call) => call.status !== 'hangup') : everything
    const from = Number(url.searchParams.get('page_token') || 0)
    const size = Number(url.searchParams.get('page_size') || 100)
    return answer(200, { result: all.slice(from, from + size), next_page_token: from + size < all.length ? String(from + size) : '' })
  }
  const scenario = scenarios.find((one) => one.caller.id === id || one.called.id === id)
  if (!scenario) return answer(404, ['CALL_NOT_FOUND', 'call not found'])
  if (verb === 'sequence') return answer(200, scenario.sequence(at))
  if (verb === 'hangup') scenario.hangup(at)
  answer(200, scenario.at(Date.now() + 1).find((call) => call.id === id))
}

function serve(path, response) {
  const file = normalize(path === '/' ? '/index.html' : path)
  try {
    const content = readFileSync(join(DIST, file))
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': CSP, 'x-content-type-options': 'nosniff' }).end(content)
  } catch {
    response.writeHead(404).end('not found')
  }
}

server.on('upgrade', (request, socket) => {
  if (request.url.startsWith('/sip')) {
    const phone = serveSip({ send: (text) => connection.send(text) })
    const connection = accept(request, socket, phone.onText)
    return socket.on('close', phone.onEnd)
  }
  const connection = accept(request, socket, () => undefined)
  sockets.add(connection)
  socket.on('close', () => sockets.delete(connection))
})
server.listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}/ (admin / secret)`))
