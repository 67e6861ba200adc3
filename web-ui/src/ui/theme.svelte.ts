// Light, dark, or what the system says.

export type Theme = 'auto' | 'light' | 'dark'

const KEY = 'tandem.theme'
const ORDER: Theme[] = ['auto', 'light', 'dark']

let chosen = $state<Theme>(stored())

export const theme = {
  get chosen(): Theme {
    return chosen
  },
  /** The next of automatic, light and dark. */
  turn(): void {
    chosen = ORDER[(ORDER.indexOf(chosen) + 1) % ORDER.length] ?? 'auto'
    apply()
    try {
      localStorage.setItem(KEY, chosen)
    } catch {
      // Private windows may have no storage; the choice then lasts as long as the page.
    }
  },
}

apply()

function apply(): void {
  if (chosen === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = chosen
}

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY)
    return value === 'light' || value === 'dark' ? value : 'auto'
  } catch {
    return 'auto'
  }
}
