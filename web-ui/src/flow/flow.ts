// A flow as the API gives it, its actions as text, and what the box finds wrong with them.

export interface Action {
  id?: string
  next_id?: string
  type: string
  option?: Record<string, unknown>
}

/** What the box says of an action. */
export interface Finding {
  field: string
  reason: string
  action_id?: string
}

export interface Flow {
  id: string
  name: string
  detail: string
  actions: Action[]
  on_complete_flow_id: string
  findings?: Finding[] | null
}

export const EXAMPLE: Action[] = [{ type: 'answer' }, { type: 'beep' }, { type: 'hangup' }]

const NIL = '00000000-0000-0000-0000-000000000000'

/** The actions as people edit them: without ids that nobody points at, and without options that are empty. */
export function writeActions(actions: Action[]): string {
  const pointed = new Set<string>()
  collect(actions, pointed)
  const shown = actions.map(({ id, next_id, type, option }) => ({
    ...(id && pointed.has(id) ? { id } : {}),
    type,
    ...(option && Object.keys(option).length > 0 ? { option } : {}),
    ...(next_id && next_id !== NIL ? { next_id } : {}),
  }))
  return JSON.stringify(shown, null, 2)
}

/** Every text that stands anywhere but as an action's own id: an id among them is pointed at. */
function collect(value: unknown, into: Set<string>): void {
  if (typeof value === 'string') into.add(value)
  else if (Array.isArray(value)) value.forEach((one) => collect(one, into))
  else if (value !== null && typeof value === 'object') {
    for (const [name, inner] of Object.entries(value)) if (name !== 'id') collect(inner, into)
  }
}

/** Reads the text; what is wrong with it is an error in words. */
export function readActions(text: string): Action[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`This is no JSON: ${error instanceof Error ? error.message : 'it cannot be read'}`)
  }
  if (!Array.isArray(value)) throw new Error('A flow is a list: [ {"type": "answer"}, … ]')
  return value as Action[]
}

/** The details of an error, or a flow's findings, as findings. */
export function readFindings(details: unknown): Finding[] {
  if (!Array.isArray(details)) return []
  return details.flatMap((one: unknown) => {
    const { field, at, reason, action_id } = (one ?? {}) as Record<string, unknown>
    const place = typeof field === 'string' ? field : typeof at === 'string' ? at : ''
    return typeof reason === 'string' ? [{ field: place, reason, ...(typeof action_id === 'string' ? { action_id } : {}) }] : []
  })
}

/** Which action, counted from 0, a place such as `actions[3].option.target_id` is in; `null` for none. */
export function actionAt(finding: Finding): number | null {
  const number = /^actions\[(\d+)\]/.exec(finding.field)?.[1]
  return number === undefined ? null : Number(number)
}
