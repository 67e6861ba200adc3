// A stand-in for the exchange's SIP over WebSocket, only for looking at the softphone: hands messages from one page to the other, which then talk by themselves.

const socketsByUser = new Map()
const askedBy = new Map()

const head = (text, name) => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'im').exec(text)?.[1] ?? ''
const userOf = (uri) => /sips?:([^@;>]+)@/.exec(uri)?.[1] ?? ''

/** Takes one page's messages; `reply` sends to it. The answer is for its end. */
export function serve(socket) {
  const users = new Set()
  return {
    onText(text) {
      if (!text.trim()) return
      const start = text.slice(0, text.indexOf('\r\n'))
      const key = `${head(text, 'Call-ID')} ${head(text, 'CSeq')}`
      if (start.startsWith('SIP/2.0')) return askedBy.get(key)?.send(text)
      const [method, uri] = start.split(' ')
      askedBy.set(key, socket)
      if (method === 'REGISTER') return register(text)
      const to = socketsByUser.get(userOf(uri))
      if (to) return to.send(text)
      if (method !== 'ACK') socket.send(answer(text, '404 Not Found'))
    },
    onEnd() {
      for (const user of users) if (socketsByUser.get(user) === socket) socketsByUser.delete(user)
    },
  }

  function register(text) {
    for (const user of [userOf(head(text, 'To')), userOf(head(text, 'Contact'))]) {
      socketsByUser.set(user, socket)
      users.add(user)
    }
    socket.send(answer(text, '200 OK', [`Contact: ${head(text, 'Contact')}`]))
  }
}

function answer(request, status, more = []) {
  const same = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${head(request, name)}${name === 'To' && !/;tag=/.test(head(request, name)) ? ';tag=fixture' : ''}`)
  return [`SIP/2.0 ${status}`, ...same, ...more, 'Content-Length: 0', '', ''].join('\r\n')
}
