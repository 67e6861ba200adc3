// Why a call ended, and why a registration was refused, in words for people.

/** What SIP and the browser tell of an end. */
export interface End {
  /** Whether the call came in, and whether somebody had answered it. */
  incoming: boolean
  answered: boolean
  /** Who ended it: we, the other side, or the browser. */
  by: 'local' | 'remote' | 'system'
  /** The status code of the answer, 0 where there is none. */
  status: number
  /** JsSIP's word for it. */
  cause: string
  /** The Reason header (RFC 3326). */
  reason: string
}

const BY_CAUSE: Record<string, string> = {
  'User Denied Media Access': 'No microphone',
  'Connection Error': 'Connection lost',
  'Request Timeout': 'No answer from the exchange',
  'RTP Timeout': 'The audio found no way',
  'WebRTC Error': 'The browser gave up',
  'Bad Media Description': 'No codec in common',
  'Incompatible SDP': 'No codec in common',
  'No ACK': 'Connection lost',
}

const BY_STATUS: Record<number, string> = {
  402: 'The balance is spent',
  403: 'Not allowed',
  404: 'No such number',
  408: 'No answer',
  410: 'No such number',
  480: 'Not reachable',
  484: 'No such number',
  486: 'Busy',
  487: 'Cancelled',
  488: 'No codec in common',
  503: 'No capacity was left',
  600: 'Busy',
  603: 'Declined',
  604: 'No such number',
}

/** A few words, as they stand in the call's badge. */
export function endWords(end: End): string {
  const known = BY_CAUSE[end.cause]
  if (known) return known
  if (end.answered) return end.by === 'local' ? 'You hung up' : 'Hung up'
  if (end.incoming) return unanswered(end)
  if (end.by === 'local') return 'Cancelled'
  return BY_STATUS[end.status] ?? (end.status ? `Failed (${end.status})` : 'Failed')
}

function unanswered(end: End): string {
  if (end.by === 'local') return 'Declined'
  return /cause\s*=\s*200|completed elsewhere/i.test(end.reason) ? 'Answered elsewhere' : 'Missed'
}

/** Why the exchange did not register us, in a sentence. */
export function refusalWords(status: number, phrase: string): string {
  if (status === 401 || status === 407) return 'The exchange asks for a password: this session may not use the extension.'
  if (status === 403) return 'The exchange does not let this session use the extension.'
  if (status === 404) return 'The exchange does not know the extension any more.'
  if (status === 503 || status === 500) return `The exchange is busy (${status}); trying again.`
  if (status === 0) return 'The exchange did not answer; trying again.'
  return `The exchange said ${status}${phrase ? ` ${phrase}` : ''}.`
}
