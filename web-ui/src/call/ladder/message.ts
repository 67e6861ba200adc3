// The parts of a SIP message that are shown in different inks.

export interface SipText {
  start: string
  headers: { name: string; value: string }[]
  body: string
}

const START = /^(?:[A-Z][A-Z0-9._!%*+`'~-]* \S+ SIP\/2\.0|SIP\/2\.0 \d{3}\b.*)$/i

/** Splits a whole message; `null` for what is a sentence and not a message. */
export function readMessage(detail: string): SipText | null {
  const lines = detail.replace(/\r\n?/g, '\n').split('\n')
  const start = lines[0] ?? ''
  if (!START.test(start.trimEnd())) return null
  const blank = lines.indexOf('', 1)
  const heads = lines.slice(1, blank < 0 ? undefined : blank)
  const headers = heads.map((line) => {
    const colon = /^[^\s:]+\s*:/.exec(line)?.[0].length ?? 0
    return { name: line.slice(0, colon), value: line.slice(colon) }
  })
  return { start, headers, body: blank < 0 ? '' : lines.slice(blank + 1).join('\n').trimEnd() }
}
