// The fixture's extensions and calls, and a new call now and then.
import { randomUUID } from 'node:crypto'
import { answered, busy } from './scenario.mjs'

export const CUSTOMER = '5c2a6a3e-0d52-4c6f-9f0e-3b7a1d4e8f01'
const PEOPLE = { 1001: 'Alice Archer', 1002: 'Bob Brandt', 1003: 'Chiara Conti', 1004: 'Workshop', 2001: 'Meeting room' }

const iso = (ms) => (ms === null ? null : new Date(ms).toISOString().replace('Z', '123Z'))

export function makeExtensions() {
  const now = Date.now()
  const phone = (user, address, agent, nat, seconds, transport = 'udp') => ({
    contact: `sip:${user}@${nat ? '10.0.0.17:5060' : address}`, address, transport, user_agent: agent, behind_nat: nat, tm_register: iso(now - 60000), tm_expire: iso(now + seconds * 1000),
  })
  const phones = {
    1001: [phone('1001', '192.0.2.7:5060', 'baresip v1.0.0 (x86_64/linux)', false, 3200)],
    1002: [phone('1002', '198.51.100.23:40112', 'Yealink SIP-T46U 108.86.0.118', true, 58), phone('1002', '192.0.2.44:51234', 'Linphone-Desktop/5.2.6', false, 590, 'tcp')],
    1004: [phone('1004', '[2001:db8::17]:5060', 'Snom D735/10.1.169', false, 1800)],
  }
  return Object.entries(PEOPLE).map(([number, name]) => ({
    id: randomUUID(), customer_id: CUSTOMER, name, detail: { 1001: 'Front desk', 2001: 'Second floor, next to the kitchen' }[number] ?? '',
    extension: number, domain_name: '', username: number, password: 'kTw9mPq4ZrBx7HcNsd2F', registrations: phones[number] ?? [], tm_create: iso(now - 9e7), tm_update: iso(now - 9e7), tm_delete: null,
  }))
}

const address = (number) => ({ type: 'extension', target: String(number), target_name: PEOPLE[number] ?? '', name: '', detail: '' })

/** A call of two legs that began at `start`; `at(now)` are its records then. */
export class Scenario {
  constructor(from, to, start, talkMs, kind = 'answered') {
    this.start = start
    const ids = { id: randomUUID(), from: String(from), to: String(to), peer: '192.0.2.7:5060', sipCallId: `${randomUUID().slice(0, 13)}@192.0.2.7` }
    this.caller = ids
    this.called = { id: randomUUID(), peer: '198.51.100.23:40112', sipCallId: `t${randomUUID().slice(0, 18)}` }
    this.script = kind === 'busy' ? busy(ids, this.called) : answered(ids, this.called, talkMs)
    this.kind = kind
    this.cut = null
  }

  hangup(now) {
    if (this.cut === null && now < this.start + this.script.ended) this.cut = now
  }

  end() {
    return this.cut ?? this.start + this.script.ended
  }

  at(now) {
    const { ringing, answered } = this.script
    const passed = (ms) => ms !== null && now >= this.start + ms && this.start + ms < this.end()
    const over = now >= this.end()
    const status = over ? 'hangup' : passed(answered) ? 'progressing' : passed(ringing) ? 'ringing' : 'dialing'
    const moments = [0, ringing, answered].filter(passed).map((ms) => this.start + ms)
    const common = {
      customer_id: CUSTOMER, groupcall_id: null, source: address(this.caller.from), destination: address(this.caller.to), status,
      tm_create: iso(this.start), tm_update: iso(over ? this.end() : Math.max(this.start, ...moments)), tm_delete: null,
      tm_ringing: passed(ringing) ? iso(this.start + ringing) : null, tm_progressing: passed(answered) ? iso(this.start + answered) : null, tm_hangup: over ? iso(this.end()) : null,
    }
    const reason = this.kind === 'busy' ? 'busy' : 'normal'
    const legs = [[this.caller, 'incoming', null, 'remote', [this.called.id]], [this.called, 'outgoing', this.caller.id, 'local', []]]
    return legs.map(([leg, direction, master, by, chained], index) => ({
      ...common, id: leg.id, direction, master_call_id: master, chained_call_ids: chained,
      hangup_by: over ? (this.cut ? 'local' : this.kind === 'busy' ? (master ? 'remote' : 'local') : by) : null, hangup_reason: over ? reason : null,
      metadata: {
        codec: passed(answered) ? 'PCMU/8000' : null, held: false, peer: `udp ${leg.peer}`, sip_call_id: leg.sipCallId, hangup_cause: over ? (reason === 'busy' ? 17 : 16) : null,
        quality: over && common.tm_progressing ? { packets_received: 612, packets_sent: 611, packets_lost: index, jitter_ms: 0.4 + index * 3.1, round_trip_ms: index ? 18.2 : 0.6 } : null,
      },
    }))
  }

  sequence(now) {
    const last = this.end() - this.start
    const talked = this.script.steps.filter(([ms]) => ms < Math.min(last, this.script.ended))
    const ending = this.script.steps.filter(([ms]) => ms >= this.script.ended).map(([ms, ...rest]) => [ms - this.script.ended + last, ...rest])
    const steps = [...talked, ...ending].filter(([ms]) => this.start + ms <= now)
    return {
      call_id: this.caller.id, omitted: 0, participants: this.script.participants,
      steps: steps.map(([ms, from, to, kind, label, detail]) => ({
        at: new Date(this.start + ms).toISOString().replace('Z', `${String(Math.round((ms % 1) * 1000)).padStart(3, '0')}Z`), offset_us: Math.round(ms * 1000), from, to, kind, label, detail,
      })),
    }
  }
}
