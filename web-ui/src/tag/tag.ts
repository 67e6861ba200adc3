// A tag as the API gives it: a word for what agents are good at.

export interface Tag {
  id: string
  name: string
  detail: string
}
