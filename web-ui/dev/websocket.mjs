// The server's side of a WebSocket (RFC 6455), as little as the fixture needs: text frames below 64 KiB, no fragments.
import { createHash } from 'node:crypto'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Answers an upgrade; the result sends texts and hands over those that come. */
export function accept(request, socket, onText) {
  const asked = request.headers['sec-websocket-protocol']
  const chosen = asked ? `Sec-WebSocket-Protocol: ${asked}\r\n` : ''
  const key = createHash('sha1').update(request.headers['sec-websocket-key'] + GUID).digest('base64')
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n${chosen}\r\n`)
  let pending = Buffer.alloc(0)
  socket.on('data', (data) => {
    pending = Buffer.concat([pending, data])
    for (let frame = read(pending); frame; frame = read(pending)) {
      pending = pending.subarray(frame.size)
      if (frame.opcode === 8) socket.end()
      else if (frame.opcode === 1) onText(frame.payload.toString())
    }
  })
  socket.on('error', () => socket.destroy())
  return { send: (text) => socket.write(encode(Buffer.from(text))), close: () => socket.destroy() }
}

function encode(payload) {
  if (payload.length < 126) return Buffer.concat([Buffer.from([0x81, payload.length]), payload])
  const head = Buffer.from([0x81, 126, 0, 0])
  head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, payload])
}

function read(buffer) {
  if (buffer.length < 6) return null
  let length = buffer[1] & 0x7f
  let at = 2
  if (length === 126) {
    length = buffer.readUInt16BE(2)
    at = 4
  }
  if (buffer.length < at + 4 + length) return null
  const mask = buffer.subarray(at, at + 4)
  const payload = Buffer.from(buffer.subarray(at + 4, at + 4 + length)).map((byte, index) => byte ^ mask[index & 3])
  return { opcode: buffer[0] & 0x0f, payload, size: at + 4 + length }
}
