import { describe, expect, it } from 'vitest'
import { facts, verdict, type System } from './system'

const SYSTEM: System = {
  version: '0.1.0',
  tm_start: '2026-11-23T10:00:00Z',
  tm_now: '2026-11-23T10:01:00Z',
  uptime: 60,
  process: {},
  machine: { temperatures: [], flash: [] },
  store: { bytes: 1024, waiting: 0, lost: 0, failing: null, latest_event: 3 },
  readers: [],
  findings: [],
}

describe('the box', () => {
  it('shows nothing that the machine does not tell', () => {
    const names = facts(SYSTEM).map(([name]) => name)
    expect(names).toEqual(['Version', 'Exchange runs for', 'Database'])
  })
  it('shows its heat and its wear where they are known', () => {
    const machine = { temperatures: [{ name: 'cpu', celsius: 48.3 }], flash: [{ device: 'mmcblk0', life_used: 110, spare: 'warning' }] }
    const shown = Object.fromEntries(facts({ ...SYSTEM, machine }))
    expect(shown['Temperature (cpu)']).toBe('48 °C')
    expect(shown['Flash (mmcblk0)']).toBe('past its life, spare blocks warning')
  })
  it('says in a word how it stands', () => {
    const warning = { severity: 'warning', reason: 'HOT', message: '' } as const
    expect(verdict([]).tone).toBe('good')
    expect(verdict([warning]).tone).toBe('warn')
    expect(verdict([warning, { ...warning, severity: 'error' }]).tone).toBe('bad')
  })
})
