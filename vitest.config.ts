import { defineConfig } from 'vitest/config'

/** `unit` runs on src; `built` runs on dist, since worker threads cannot start from .ts on Node 20. */
export default defineConfig({
  test: {
    testTimeout: 300_000,
    reporters: ['default', './test/helpers/skippedReporter.ts'],
    maxWorkers: '100%', // the default leaves one core idle, which is half of two
    isolate: false, // a file leaves nothing behind, and modules are loaded and compiled once per worker
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/built/**'] },
      },
      {
        extends: true,
        test: {
          name: 'built',
          include: ['test/built/**/*.test.ts'],
          server: { deps: { external: [/\/dist\//] } }, // as node loads it, so that its threads start from there
        },
      },
    ],
  },
})
