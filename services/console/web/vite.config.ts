import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compress } from './compress.ts'

const OUT_DIR = '../../../dist/web'

export default defineConfig({
  plugins: [react(), compress(OUT_DIR)],
  build: {
    outDir: OUT_DIR,
    emptyOutDir: true,
    // Nothing may be inlined: the content security policy allows our own files only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  server: {
    proxy: {
      '/v1': 'http://127.0.0.1:8090',
      '/docs': 'http://127.0.0.1:8090',
      '/openapi.json': 'http://127.0.0.1:8090',
    },
  },
})
