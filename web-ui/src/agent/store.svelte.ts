// The users: each part that has a route of its own is changed only where it differs.
import type { Address } from '../call/call'
import { Collection } from '../ui/collection.svelte'
import type { Agent } from './agent'

export interface Draft {
  name: string
  detail: string
  password: string
  permission: Agent['permission']
  ring_method: Agent['ring_method']
  tag_ids: string[]
  addresses: Address[]
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

export class AgentStore extends Collection<Agent> {
  constructor() {
    super('agent')
  }

  async save(agent: Agent, draft: Draft): Promise<void> {
    const { name, detail, password, permission, ring_method, tag_ids, addresses } = draft
    if (!same([name, detail, ring_method], [agent.name, agent.detail, agent.ring_method])) await this.update(agent.id, { name, detail, ring_method })
    if (!same(addresses, agent.addresses)) await this.update(agent.id, { addresses }, 'addresses')
    if (!same(tag_ids, agent.tag_ids)) await this.update(agent.id, { tag_ids }, 'tag_ids')
    if (password) await this.update(agent.id, { password }, 'password')
    // The last: whoever takes rights from oneself cannot change the rest afterwards.
    if (permission !== agent.permission) await this.update(agent.id, { permission }, 'permission')
  }
}
