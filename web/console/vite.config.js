import { join } from 'node:path';
import { defineConfig } from 'vite';
import { pack } from '../pack.mjs';

const here = import.meta.dirname;
const client = '../../sdk/typescript/src';

export default defineConfig({
  root: here,
  // Relative addresses: the page works under whatever path it is mounted.
  base: './',
  resolve: {
    // The client as it stands in this repository; what it needs comes from here.
    alias: { '@bonfiredb/client': join(here, client, 'index.ts') },
    dedupe: ['tus-js-client'],
  },
  build: {
    outDir: 'dist',
    sourcemap: false,
    // Files, not data: URLs, so that the content security policy can stay narrow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.txt' },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1024,
    rolldownOptions: {
      input: { index: join(here, 'index.html'), callback: join(here, 'callback.html') },
      // React's directives for servers and compilers mean nothing in a bundle for browsers.
      checks: { moduleLevelDirective: false },
    },
  },
  plugins: [pack(['sdk/typescript/src'])],
});
