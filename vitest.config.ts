import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['dist/**', 'out/**', 'node_modules/**'],
    globalSetup: ['tools/test-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
