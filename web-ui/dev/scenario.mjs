// A call from the first INVITE to the record, as steps with their times, for looking at the ladder.

const SDP = (user, address, port) =>
  ['v=0', `o=${user} 3871 1 IN IP4 ${address}`, 's=call', `c=IN IP4 ${address}`, 't=0 0', `m=audio ${port} RTP/AVP 0 8 101`, 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15', 'a=ptime:20', 'a=sendrecv'].join('\r\n') + '\r\n'

function message(start, leg, method, extra = [], body = '') {
  const heads = [
    `Via: SIP/2.0/UDP ${leg.peer};rport;branch=z9hG4bK${leg.tag}77`,
    'Max-Forwards: 70',
    `From: "${leg.from}" <sip:${leg.from}@tandem.lan>;tag=${leg.tag}`,
    `To: <sip:${leg.to}@tandem.lan>`,
    `Call-ID: ${leg.callId}`,
    `CSeq: ${method === 'BYE' ? 2 : 1} ${method}`,
    ...extra,
    ...(body ? ['Content-Type: application/sdp'] : []),
    `Content-Length: ${body.length}`,
  ]
  return [start, ...heads, '', body].join('\r\n')
}

/** Participants and `[milliseconds, from, to, kind, label, detail]` of an answered call. */
export function answered(call, called, talkMs) {
  const a = { from: call.from, to: call.to, peer: call.peer, tag: 'a81f', callId: call.sipCallId }
  const b = { from: call.from, to: call.to, peer: called.peer, tag: 'c05d', callId: called.sipCallId }
  const auth = ['Authorization: Digest username="1001", realm="tandem", nonce="…", uri="sip:1002@tandem.lan", response="(masked)", algorithm=SHA-256']
  const end = 3460 + talkMs
  const steps = [
    [0, 0, 1, 'sip', 'INVITE', message(`INVITE sip:${call.to}@tandem.lan SIP/2.0`, a, 'INVITE', ['Contact: <sip:1001@192.0.2.7:5060>', 'User-Agent: baresip v1.0.0'], SDP('1001', '192.0.2.7', 14002))],
    [0.09, 1, 0, 'sip', '407 Proxy Authentication Required', message('SIP/2.0 407 Proxy Authentication Required', a, 'INVITE', ['Proxy-Authenticate: Digest realm="tandem", nonce="…", qop="auth", algorithm=SHA-256'])],
    [1.2, 0, 1, 'sip', 'ACK', message(`ACK sip:${call.to}@tandem.lan SIP/2.0`, a, 'ACK')],
    [1.9, 0, 1, 'sip', 'INVITE (SDP)', message(`INVITE sip:${call.to}@tandem.lan SIP/2.0`, a, 'INVITE', ['Contact: <sip:1001@192.0.2.7:5060>', ...auth], SDP('1001', '192.0.2.7', 14002))],
    [1.98, 1, 0, 'sip', '100 Trying', message('SIP/2.0 100 Trying', a, 'INVITE')],
    [2.01, 1, 2, 'internal', 'digest', 'The digest of extension 1001 is right (SHA-256, nonce count 1).'],
    [2.05, 1, 3, 'internal', 'INVITE', '1001 has proved its password'],
    [2.07, 3, 3, 'event', 'call_created', 'Event 4711: call_created for the leg of 1001.'],
    [2.1, 3, 2, 'internal', `where is ${call.to}?`, ''],
    [2.12, 2, 3, 'internal', '1 contact(s)', `sip:1002@${called.peer}`],
    [2.16, 3, 4, 'media', 'open port 30000', 'for the caller'],
    [2.18, 3, 4, 'media', 'open port 30002', 'for the called phone'],
    [2.21, 1, 5, 'sip', 'INVITE', message(`INVITE sip:1002@${called.peer} SIP/2.0`, b, 'INVITE', ['Contact: <sip:tandem@192.0.2.1:5060>', 'Session-Expires: 1800;refresher=uas'], SDP('tandem', '192.0.2.1', 30002))],
    [2.24, 3, 3, 'event', 'call_created', 'Event 4712: call_created for the leg of 1002.'],
    [14.6, 5, 1, 'sip', '100 Trying', message('SIP/2.0 100 Trying', b, 'INVITE')],
    [212.4, 5, 1, 'sip', '180 Ringing', message('SIP/2.0 180 Ringing', b, 'INVITE')],
    [212.5, 3, 3, 'event', 'call_ringing', 'Event 4713: call_ringing.'],
    [212.55, 1, 0, 'sip', '180 Ringing', message('SIP/2.0 180 Ringing', a, 'INVITE')],
    [3441.2, 5, 1, 'sip', '200 OK', message('SIP/2.0 200 OK', b, 'INVITE', [`Contact: <sip:1002@${called.peer}>`], SDP('1002', '198.51.100.23', 22018))],
    [3441.31, 1, 5, 'sip', 'ACK', message(`ACK sip:1002@${called.peer} SIP/2.0`, b, 'ACK')],
    [3441.33, 3, 4, 'media', 'audio', 'PCMU/8000'],
    [3441.34, 3, 4, 'media', 'connect', 'PCMU/8000 ↔ PCMU/8000'],
    [3441.36, 0, 5, 'media', 'RTP', 'PCMU/8000 ↔ PCMU/8000'],
    [3441.4, 3, 3, 'event', 'call_answered', 'Event 4714: call_answered.'],
    [3441.44, 1, 0, 'sip', '200 OK', message('SIP/2.0 200 OK', a, 'INVITE', ['Contact: <sip:tandem@192.0.2.1:5060>'], SDP('tandem', '192.0.2.1', 30000))],
    [3448.9, 0, 1, 'sip', 'ACK', message(`ACK sip:tandem@192.0.2.1:5060 SIP/2.0`, a, 'ACK')],
    [3459.8, 0, 4, 'media', 'first RTP', 'from 192.0.2.7:14002'],
    [3460.1, 5, 4, 'media', 'first RTP', 'from 198.51.100.23:22018'],
    [end, 0, 1, 'sip', 'BYE', message('BYE sip:tandem@192.0.2.1:5060 SIP/2.0', a, 'BYE', ['Reason: Q.850;cause=16;text="Normal call clearing"'])],
    [end + 0.08, 1, 0, 'sip', '200 OK', message('SIP/2.0 200 OK', a, 'BYE')],
    [end + 0.1, 0, 3, 'internal', 'hang up', 'ended by the phone: Normal call clearing (cause 16)'],
    [end + 0.14, 1, 5, 'sip', 'BYE', message(`BYE sip:1002@${called.peer} SIP/2.0`, b, 'BYE')],
    [end + 0.2, 5, 3, 'internal', 'hang up', 'ended by the exchange: Normal call clearing (cause 16)'],
    [end + 0.24, 3, 3, 'event', 'call_hungup', 'Event 4715: call_hungup for the leg of 1001.'],
    [end + 16.8, 5, 1, 'sip', '200 OK', message('SIP/2.0 200 OK', b, 'BYE')],
    [end + 16.9, 3, 3, 'event', 'call_hungup', 'Event 4716: call_hungup for the leg of 1002.'],
  ]
  return { participants: columns(call, called), steps, ringing: 212, answered: 3441, ended: end }
}

/** The same up to a busy callee. */
export function busy(call, called) {
  const full = answered(call, called, 0)
  const b = { from: call.from, to: call.to, peer: called.peer, tag: 'c05d', callId: called.sipCallId }
  const a = { ...b, peer: call.peer, callId: call.sipCallId, tag: 'a81f' }
  const steps = [
    ...full.steps.slice(0, 15),
    [31.2, 5, 1, 'sip', '486 Busy Here', message('SIP/2.0 486 Busy Here', b, 'INVITE')],
    [31.3, 1, 5, 'sip', 'ACK', message(`ACK sip:1002@${called.peer} SIP/2.0`, b, 'ACK')],
    [31.4, 3, 3, 'internal', 'Busy: cause 17 becomes 486', 'Every contact of 1002 has refused.'],
    [31.5, 1, 0, 'sip', '486 Busy Here', message('SIP/2.0 486 Busy Here', a, 'INVITE', ['Reason: Q.850;cause=17;text="User busy"'])],
    [31.55, 3, 3, 'event', 'call_hungup', 'Event: call_hungup.'],
    [38.1, 0, 1, 'sip', 'ACK', message(`ACK sip:${call.to}@tandem.lan SIP/2.0`, a, 'ACK')],
  ]
  return { participants: columns(call, called), steps, ringing: null, answered: null, ended: 32 }
}

function columns(call, called) {
  return [
    { role: 'phone', call_id: call.id, name: call.from, detail: `udp ${call.peer}` },
    { role: 'sip', call_id: null, name: 'sip', detail: '' },
    { role: 'registrar', call_id: null, name: 'registrar', detail: '' },
    { role: 'call', call_id: null, name: 'call', detail: '' },
    { role: 'media', call_id: null, name: 'media', detail: '' },
    { role: 'phone', call_id: called.id, name: call.to, detail: `udp ${called.peer}` },
  ]
}
