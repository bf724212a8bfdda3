import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: 'test/server.ts',
    include: ['test/**/*.test.ts'],
    maxWorkers: 2, // one server on a small machine; recordings mostly wait
    testTimeout: 120_000,
  },
})
