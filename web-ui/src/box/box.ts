// The box as the API tells it: what has to be known to set up a phone.
import type { Api } from '../api'

export interface Box {
  version: string
  domain_name: string
  sip: {
    /** The one address at which it listens; null where it listens at each of its own. */
    address: string | null
    port: number
    transports: string[]
  }
}

/** Reads it. */
export const readBox = (api: Pick<Api, 'get'>): Promise<Box> => api.get<Box>('/v1.0/box')
