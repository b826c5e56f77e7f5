import { readFileSync, statfsSync } from 'node:fs'
import os from 'node:os'
import { defineConfig } from 'vitest/config'

/** Memory in place of a disk, where programs can run from it: a run syncs each of its files, which takes a disk milliseconds. */
function memoryFolder(): string | undefined {
  try {
    const mount = readFileSync('/proc/mounts', 'utf8').match(/^\S+ \/dev\/shm tmpfs (\S+)/m)
    const { bavail, bsize } = statfsSync('/dev/shm')
    return mount && !mount[1]!.includes('noexec') && bavail * bsize > 2 ** 31 ? '/dev/shm' : undefined
  } catch {
    return undefined
  }
}

// The environment of the workers: where their temporary folders lie, and as many threads for files as the program has.
process.env.TMPDIR ??= memoryFolder() ?? os.tmpdir()
process.env.UV_THREADPOOL_SIZE ??= String(16 + os.availableParallelism())

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
