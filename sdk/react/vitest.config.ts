import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: '../typescript/test/server.ts',
    include: ['test/**/*.test.ts'],
    fileParallelism: false, // one server on a small machine
    testTimeout: 60_000,
  },
})
