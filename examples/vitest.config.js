import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: 'test/server.ts',
    include: ['test/**/*.test.ts'],
    fileParallelism: false, // one server on a small machine
    testTimeout: 120_000,
  },
})
