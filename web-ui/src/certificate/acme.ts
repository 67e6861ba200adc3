// A certificate that an ACME server signs, as the API tells of it and is asked for it.

export interface Acme {
  directory_url: string
  contact: string
  names: string[]
  challenge: 'http-01' | 'dns-01'
  status: 'ordering' | 'valid' | 'failing'
  failure: string | null
  tm_end: string | null
  tm_next: string | null
}

export interface AcmeDraft {
  directory_url: string
  contact: string
  names: string
  challenge: 'http-01' | 'dns-01'
  dns_hook_url: string
  dns_hook_token: string
  terms_of_service_agreed: boolean
}

const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory'

export function acmeDraft(known: Acme | null | undefined): AcmeDraft {
  return {
    directory_url: known?.directory_url ?? LETS_ENCRYPT,
    contact: known?.contact ?? '',
    names: known?.names.join(' ') ?? '',
    challenge: known?.challenge ?? 'http-01',
    dns_hook_url: '',
    dns_hook_token: '',
    terms_of_service_agreed: false,
  }
}

/** What is asked of the box. */
export function acmeBody(draft: AcmeDraft): Record<string, unknown> {
  const { names, dns_hook_url, dns_hook_token, ...rest } = draft
  const hook = draft.challenge === 'dns-01' ? { dns_hook_url, dns_hook_token } : {}
  return { ...rest, names: names.split(/[\s,;]+/).filter(Boolean), ...hook }
}

/** How things stand, in a word. */
export function acmeWord({ status }: Acme): { word: string; tone: string } {
  if (status === 'valid') return { word: 'Renewed by itself', tone: 'good' }
  if (status === 'failing') return { word: 'Not signed', tone: 'bad' }
  return { word: 'Being asked', tone: 'warn' }
}
