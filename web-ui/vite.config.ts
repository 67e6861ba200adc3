// How the page is built: one script for every page, the softphone, JsSIP and what few read as scripts of their own that are loaded when they are wanted, one style sheet;
// each with its `.gz` beside it for the binary to embed.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gzipSync } from 'node:zlib'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

/** What everybody loads, and everything together. */
const FIRST_BUDGET = 92 * 1024
const BUDGET = 192 * 1024
/** What is loaded later. */
const LATER = /(?:part|sip|trust|setup|system|network\w*)-[\w-]+\.js$/

/** Writes `<asset>.gz` next to every file of the build and fails when all together are too big for the image. */
function compressed(): Plugin {
  let folder = ''
  return {
    name: 'compressed',
    apply: 'build',
    configResolved: (config) => void (folder = join(config.root, config.build.outDir)),
    closeBundle() {
      let [first, total] = [0, 0]
      for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const path = join(folder, file)
        if (file.endsWith('.gz') || !statSync(path).isFile()) continue
        const packed = gzipSync(readFileSync(path), { level: constants.Z_BEST_COMPRESSION })
        writeFileSync(`${path}.gz`, packed)
        total += packed.length
        if (!LATER.test(file)) first += packed.length
      }
      console.log(`web-ui: ${(first / 1024).toFixed(1)} KiB compressed, ${(total / 1024).toFixed(1)} KiB in all`)
      if (first > FIRST_BUDGET) throw new Error(`the page has ${first} bytes compressed, more than ${FIRST_BUDGET}`)
      if (total > BUDGET) throw new Error(`all of the page has ${total} bytes compressed, more than ${BUDGET}`)
    },
  }
}

export default defineConfig({
  plugins: [svelte(), compressed()],
  base: './',
  build: {
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: {
      // Svelte marks a class field as pure at a place where the bundler does not look; nothing is lost by it.
      onwarn: (warning, warn) => void (warning.code === 'INVALID_ANNOTATION' || warn(warning)),
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node', setupFiles: ['dev/browser.mjs'] },
  server: {
    host: '127.0.0.1',
    port: 5173,
    proxy: { '^/(auth|v1.0)/': { target: process.env['TANDEM_URL'] ?? 'http://127.0.0.1:8099', ws: true } },
  },
})
