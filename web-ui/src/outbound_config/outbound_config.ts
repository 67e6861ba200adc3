// What counts for every call beyond the box, as the API gives it, and as people write it.
import { NIL } from '../number/number'

export interface OutboundConfig {
  destination_whitelist: string[]
  codecs: string
  default_outgoing_source_number_id: string
}

export interface Draft {
  countries: string
  codecs: string
  number_id: string
}

export function draftOf(config: OutboundConfig): Draft {
  const number = config.default_outgoing_source_number_id
  return { countries: config.destination_whitelist.join(' '), codecs: config.codecs, number_id: number === NIL ? '' : number }
}

/** The beginnings of numbers in a text, whatever stands between them. */
export function listed(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean)
}

/** The first that no number begins with, if there is one. */
export function wrongIn(text: string): string | undefined {
  return listed(text).find((prefix) => !/^\+?[0-9]{1,15}$/.test(prefix))
}

export function bodyOf({ countries, codecs, number_id }: Draft): OutboundConfig {
  return { destination_whitelist: listed(countries), codecs, default_outgoing_source_number_id: number_id || NIL }
}
