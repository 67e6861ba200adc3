// The compiler's settings: runes only, and no `css: injected`, so that the page needs no inline style.
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte'

export default {
  preprocess: vitePreprocess({ script: false, style: false }),
  compilerOptions: { runes: true, css: 'external' },
}
