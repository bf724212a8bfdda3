import { defineConfig } from 'vite'

export default defineConfig({
  base: './',
  build: { target: 'es2022' },
  // Linked packages bring their own: there must be one React and one Apollo on the page.
  resolve: { dedupe: ['react', 'react-dom', '@apollo/client', '@bonfiredb/client', 'graphql', 'rxjs'] },
})
