import { defineConfig } from 'vite';
import { pack } from '../pack.mjs';

export default defineConfig({
  root: import.meta.dirname,
  // Relative addresses: the page works under whatever path it is mounted.
  base: './',
  build: {
    outDir: 'dist',
    sourcemap: false,
    // Files, not data: URLs, so that the content security policy can stay narrow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.txt' },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4096,
    rolldownOptions: {
      // React's directives for servers and compilers mean nothing in a bundle for browsers.
      checks: { moduleLevelDirective: false },
    },
  },
  worker: { format: 'es' },
  plugins: [pack()],
});
