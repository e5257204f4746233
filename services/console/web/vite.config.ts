import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../../../dist/web',
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
