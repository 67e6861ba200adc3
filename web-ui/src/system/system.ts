// The box as the API tells of it, and what of it is shown.
import { size } from '../recording/recording'
import { roughDuration } from '../time'

export interface Finding {
  severity: 'error' | 'warning'
  reason: string
  message: string
}

export interface System {
  version: string
  build?: string
  tm_start: string
  tm_now: string
  uptime: number
  process: { memory?: number; memory_peak?: number; threads?: number; open_files?: number }
  machine: {
    model?: string
    kernel?: string
    uptime?: number
    processors?: number
    load?: [number, number, number]
    memory?: { total: number; available: number }
    temperatures: { name: string; celsius: number }[]
    flash: { device: string; life_used?: number; spare?: string }[]
  }
  disk?: { total: number; free: number }
  store: { bytes: number; waiting: number; lost: number; failing: string | null; latest_event: number }
  readers: { name: string; waiting: number; failure: string | null }[]
  findings: Finding[]
}

/** How it stands, in a word, and its colour. */
export function verdict(findings: Finding[]): { word: string; tone: string } {
  if (findings.some((finding) => finding.severity === 'error')) return { word: 'Needs you now', tone: 'bad' }
  return findings.length ? { word: 'Have a look', tone: 'warn' } : { word: 'All is well', tone: 'good' }
}

/** What is shown of it, as pairs of a name and a text; what the machine does not tell is left out. */
export function facts(system: System): [string, string][] {
  const { process, machine, disk, store } = system
  const rows: [string, string | undefined][] = [
    ['Version', system.build ? `${system.version} (${system.build})` : system.version],
    ['Board', machine.model],
    ['Kernel', machine.kernel],
    ['Exchange runs for', roughDuration(system.uptime * 1e6)],
    ['Box is on for', machine.uptime === undefined ? undefined : roughDuration(machine.uptime * 1e6)],
    ['Load (1, 5, 15 min)', machine.load?.map((load) => load.toFixed(2)).join(', ')],
    ['Processors', machine.processors?.toString()],
    ['Memory free', machine.memory && `${size(machine.memory.available)} of ${size(machine.memory.total)}`],
    ['Memory of the exchange', process.memory === undefined ? undefined : size(process.memory)],
    ['Disk free', disk && `${size(disk.free)} of ${size(disk.total)}`],
    ['Database', size(store.bytes)],
    ...machine.temperatures.map(({ name, celsius }): [string, string] => [`Temperature (${name})`, `${celsius.toFixed(0)} °C`]),
    ...machine.flash.map(({ device, life_used, spare }): [string, string] => [`Flash (${device})`, worn(life_used, spare)]),
    ...system.readers.map(({ name, waiting }): [string, string] => [`Waiting for the ${name}`, String(waiting)]),
  ]
  return rows.filter((row): row is [string, string] => row[1] !== undefined)
}

function worn(used: number | undefined, spare: string | undefined): string {
  const life = used === undefined ? '' : used > 100 ? 'past its life' : `at most ${used} % used`
  return [life, spare && `spare blocks ${spare}`].filter(Boolean).join(', ')
}
