// A trunk as the API gives it: whoever may call the numbers of the box from outside.

export interface Trunk {
  id: string
  name: string
  detail: string
  domain_name: string
  auth_types: ('basic' | 'ip')[]
  username: string
  allowed_ips: string[]
}

export interface Draft {
  domain_name: string
  name: string
  allowed_ips: string
  username: string
  password: string
}

export function draftOf(trunk: Trunk | undefined): Draft {
  const { domain_name = '', name = '', allowed_ips = [], username = '' } = trunk ?? {}
  return { domain_name, name, allowed_ips: allowed_ips.join('\n'), username, password: '' }
}

/** What proves it follows from what is filled in. A password that is empty stays as it is. */
export function bodyOf(draft: Draft): Record<string, unknown> {
  const allowed_ips = draft.allowed_ips.split(/[\s,]+/).filter((address) => address !== '')
  const username = draft.username.trim()
  const auth_types = [...(username ? ['basic'] : []), ...(allowed_ips.length ? ['ip'] : [])]
  return { domain_name: draft.domain_name.trim(), name: draft.name, auth_types, allowed_ips, username, ...(draft.password ? { password: draft.password } : {}) }
}
