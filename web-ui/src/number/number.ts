// A number as the API gives it, and the flow that calls to it go through.

export interface NumberRecord {
  id: string
  number: string
  type: 'normal' | 'virtual'
  call_flow_id: string
  message_flow_id: string
  name: string
  detail: string
  metadata: { rtp_debug: boolean }
}

export const NIL = '00000000-0000-0000-0000-000000000000'
