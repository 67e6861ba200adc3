import { describe, expect, it } from 'vitest'
import { shapeOf } from './arrow'
import { layOut, shorten, type Row } from './layout'
import { readMessage } from './message'
import { columnName, drawable, isFailure, STEP_KINDS, type Sequence, type Step, type StepKind } from './sequence'
import { textLadder, wrap } from './text'

const measure = (text: string) => text.length * 7
const ALL: ReadonlySet<StepKind> = new Set(STEP_KINDS)

function step(offset_us: number, from: number, to: number, kind: StepKind, label: string): Step {
  return { at: '2026-11-22T10:00:00.000000Z', offset_us, from, to, kind, label, detail: '' }
}

const SEQUENCE: Sequence = {
  call_id: 'c',
  omitted: 0,
  participants: [
    { role: 'phone', call_id: 'a', name: '1001', detail: 'udp 192.0.2.7:5060' },
    { role: 'sip', name: 'sip', detail: '' },
    { role: 'registrar', name: 'registrar', detail: '' },
    { role: 'call', name: 'call', detail: '' },
    { role: 'media', name: 'media', detail: '' },
    { role: 'phone', call_id: 'b', name: '1002', detail: '' },
  ],
  steps: [
    step(0, 0, 1, 'sip', 'INVITE (SDP)'),
    step(90, 1, 0, 'sip', '100 Trying'),
    step(120, 3, 3, 'event', 'call_created'),
    step(150, 1, 5, 'sip', 'INVITE (SDP)'),
    step(3_000_150, 5, 1, 'sip', '200 OK (SDP)'),
    step(3_000_200, 0, 5, 'media', 'RTP'),
    step(3_200_200, 0, 4, 'media', 'first RTP'),
    step(9_000_000, 5, 1, 'sip', 'BYE'),
    step(9_000_010, 3, 3, 'internal', 'hang up'),
  ],
}
const options = { width: 900, kinds: ALL, measure, live: false }
const rowsOf = (layout: ReturnType<typeof layOut>) => layout.rows.filter((row): row is Row => row.type === 'step')

describe('the layout', () => {
  const layout = layOut(SEQUENCE, options)
  it('puts columns from left to right, inner parts in the zone', () => {
    expect(layout.columns.map((column) => column.name)).toEqual(['1001', 'SIP', 'Call', 'Media', '1002'])
    const xs = layout.columns.map((column) => column.x)
    expect([...xs].sort((a, b) => a - b)).toEqual(xs)
    expect(layout.zone!.x1).toBeGreaterThan(xs[0]!)
    expect(layout.zone!.x2).toBeLessThan(xs[4]!)
    expect(layout.width).toBeLessThanOrEqual(900)
  })
  it('puts rows under each other and marks silences', () => {
    const tops = layout.rows.map((row) => row.top)
    layout.rows.reduce((bottom, row) => (expect(row.top).toBeGreaterThanOrEqual(bottom), row.top + row.height), 0)
    expect(new Set(tops).size).toBe(tops.length)
    expect(layout.rows.filter((row) => row.type === 'gap').map((gap) => gap.text)).toEqual(['3.0 s', '5.8 s'])
    expect(layout.height).toBeGreaterThan(tops.at(-1)!)
  })
  it('shows a time once, then the difference', () => {
    expect(rowsOf(layout).map((row) => row.time)).toEqual(['0.00 ms', '0.09 ms', '0.12 ms', '0.15 ms', '3.000 s', '+0.05 ms', '3.200 s', '9.000 s', '+0.01 ms'])
  })
  it('shows no time where one message set off several steps', () => {
    const steps = [step(0, 0, 1, 'sip', 'A'), step(0, 1, 3, 'internal', 'B'), step(1200, 1, 5, 'sip', 'C'), step(1200, 3, 3, 'event', 'D')]
    expect(rowsOf(layOut({ ...SEQUENCE, steps }, options)).map((row) => row.time)).toEqual(['0.00 ms', '', '1.20 ms', ''])
    expect(textLadder({ ...SEQUENCE, steps }, ALL).match(/ms/g)).toHaveLength(2)
  })
  it('shows audio on the lifelines from its start to the BYE', () => {
    const [rtp, bye] = [rowsOf(layout)[5]!, rowsOf(layout)[7]!]
    expect(layout.bands.map((band) => [band.top, band.bottom, band.open])).toEqual(Array(3).fill([rtp.y, bye.y, false]))
    expect(rtp.double).toBe(true)
    expect(rowsOf(layout)[6]!.double).toBe(false)
  })
  it('leaves the audio of a call that is up open', () => {
    const live = layOut({ ...SEQUENCE, steps: SEQUENCE.steps.slice(0, 7) }, { ...options, live: true })
    expect(live.bands.every((band) => band.open && band.bottom > rowsOf(live).at(-1)!.y)).toBe(true)
  })
  it('interrupts audio while the call is held', () => {
    const steps = [...SEQUENCE.steps.slice(0, 7), step(4e6, 3, 4, 'media', 'on hold'), step(6e6, 3, 4, 'media', 'audio'), ...SEQUENCE.steps.slice(7)]
    expect(layOut({ ...SEQUENCE, steps }, options).bands).toHaveLength(6)
  })
  it('leaves out kinds, and the columns nothing touches then, but not the audio', () => {
    const sip = layOut(SEQUENCE, { ...options, width: 300, kinds: new Set<StepKind>(['sip']) })
    expect(sip.columns.map((column) => column.name)).toEqual(['1001', 'SIP', '1002'])
    expect(rowsOf(sip)).toHaveLength(5)
    expect(sip.bands).toHaveLength(2)
  })
  it('needs more width than there is rather than squeezing names', () => {
    expect(layOut(SEQUENCE, { ...options, width: 200 }).width).toBeGreaterThan(400)
  })
  it('copes with nothing', () => {
    const empty = layOut({ ...SEQUENCE, participants: [], steps: [] }, options)
    expect([empty.rows, empty.bands, empty.zone]).toEqual([[], [], null])
  })
  it('survives times that run backwards', () => {
    const steps = [step(500, 0, 1, 'sip', 'A'), step(100, 1, 0, 'sip', 'B')]
    expect(rowsOf(layOut({ ...SEQUENCE, steps }, options)).map((row) => row.delta)).toEqual([0, 0])
  })
})

describe('labels', () => {
  const long = '407 Proxy Authentication Required and some more words'
  const place = (from: number, to: number, width = 900) => rowsOf(layOut({ ...SEQUENCE, steps: [...SEQUENCE.steps, step(9e6 + 20, from, to, 'sip', long)] }, { ...options, width })).at(-1)!
  it('run over lifelines rather than being cut', () => {
    expect(place(1, 0)).toMatchObject({ label: long, labelAnchor: 'start' })
    expect(place(5, 4)).toMatchObject({ label: long, labelAnchor: 'end' })
    expect(place(5, 0)).toMatchObject({ label: long, labelAnchor: 'middle' })
  })
  it('of steps within a part stand where there is room', () => {
    expect(place(1, 1).labelAnchor).toBe('start')
    expect(place(5, 5).labelAnchor).toBe('end')
  })
  it('are cut with an ellipsis where nothing else helps', () => {
    expect(shorten('INVITE with words', 49, measure)).toBe('INVITE…')
    expect(shorten('INVITE', 49, measure)).toBe('INVITE')
    expect(shorten('INVITE', 0, measure)).toBe('…')
  })
})

describe('shapes', () => {
  it('have no number that is none', () => {
    for (const row of rowsOf(layOut(SEQUENCE, options))) {
      const { line, head } = shapeOf(row)
      expect(line + head).not.toMatch(/NaN|undefined|Infinity/)
      expect(head.length).toBeGreaterThan(8)
    }
  })
})

describe('the ladder as text', () => {
  it('is drawn like the sequence documents', () => {
    expect(textLadder(SEQUENCE, new Set<StepKind>(['sip', 'media', 'event']))).toMatchInlineSnapshot(`
      "                1001             SIP          Registrar         Call            Media           1002
                        |               |               |               |               |               |
           0.00 ms      | INVITE (SDP)  |               |               |               |               |
                        +-------------->|               |               |               |               |
                        |               |               |               |               |               |
           0.09 ms      | 100 Trying    |               |               |               |               |
                        |<--------------+               |               |               |               |
                        |               |               |               |               |               |
           0.12 ms      |               |               |               | call_created  |               |
                        |               |               |               |               |               |
           0.15 ms      |               | INVITE (SDP)  |               |               |               |
                        |               +-------------------------------------------------------------->|
                        |               |               |               |               |               |
                        | (3.0 s later) |               |               |               |               |
           3.000 s      |               | 200 OK (SDP)  |               |               |               |
                        |               |<--------------------------------------------------------------+
                        |               |               |               |               |               |
           3.000 s      | RTP           |               |               |               |               |
                        |<=============================================================================>|
                        |               |               |               |               |               |
           3.200 s      | first RTP     |               |               |               |               |
                        +-------------------------------------------------------------->|               |
                        |               |               |               |               |               |
                        | (5.8 s later) |               |               |               |               |
           9.000 s      |               | BYE           |               |               |               |
                        |               |<--------------------------------------------------------------+
                        |               |               |               |               |               |
      "
    `)
  })
  it('says what was left out', () => {
    expect(textLadder({ ...SEQUENCE, omitted: 3 }, ALL)).toContain('(3 more steps were not kept)')
  })
  it('breaks long labels between words, and words only where it must', () => {
    expect(wrap('407 Proxy Authentication Required', 14)).toEqual(['407 Proxy', 'Authentication', 'Required'])
    expect(wrap('abcdefghij kl', 4)).toEqual(['abcd', 'efgh', 'ij', 'kl'])
    expect(wrap('', 4)).toEqual([''])
  })
})

describe('a message', () => {
  it('is taken apart', () => {
    const message = readMessage('INVITE sip:1002@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nv : folded\r\n more\r\n\r\nv=0\r\ns=-\r\n')
    expect(message).toEqual({
      start: 'INVITE sip:1002@h SIP/2.0',
      headers: [{ name: 'Via:', value: ' SIP/2.0/UDP h' }, { name: 'v :', value: ' folded' }, { name: '', value: ' more' }],
      body: 'v=0\ns=-',
    })
    expect(readMessage('SIP/2.0 200 OK\r\n\r\n')).toEqual({ start: 'SIP/2.0 200 OK', headers: [], body: '' })
  })
  it.each(['', 'from 192.0.2.7:14002', 'PCMU/8000 ↔ PCMU/8000', 'INVITE'])('is not %j', (detail) => {
    expect(readMessage(detail)).toBeNull()
  })
})

describe('a sequence', () => {
  it('is rid of steps between columns that are not there', () => {
    const steps = [step(0, 0, 1, 'sip', 'A'), step(0, 0, 6, 'sip', 'B'), step(0, -1, 0, 'sip', 'C'), step(0, 0.5, 1, 'sip', 'D')]
    expect(drawable({ ...SEQUENCE, steps }).steps.map((one) => one.label)).toEqual(['A'])
    expect(drawable(SEQUENCE)).toBe(SEQUENCE)
  })
  it('knows refusals', () => {
    const failed = (label: string, kind: StepKind = 'sip') => isFailure(step(0, 0, 1, kind, label))
    expect([failed('486 Busy Here'), failed('503 x'), failed('401 Unauthorized'), failed('487 x'), failed('200 OK'), failed('404 x', 'internal')]).toEqual([true, true, false, false, false, false])
  })
  it('names its columns', () => {
    expect(SEQUENCE.participants.map(columnName)).toEqual(['1001', 'SIP', 'Registrar', 'Call', 'Media', '1002'])
    expect(columnName(undefined)).toBe('')
  })
})
