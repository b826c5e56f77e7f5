#!/usr/bin/env node
// The size of Node's thread pool is read at its first use, which in an ES module is before any code of ours; hence CommonJS.
// Most of its threads wait for the disk (fsync of every picture), so it has more of them than there are cores.
process.env.UV_THREADPOOL_SIZE ??= String(16 + require('node:os').availableParallelism())

import('../dist/program/main.js').then(
  ({ main }) => main(process.argv),
  // Modules are read all at once, more of them than very low limits of open files allow.
  ({ message }) => {
    process.stderr.write(
      `${message}\n  hint: raise the limit of open files (ulimit -n), or install the program again\n`,
    )
    process.exitCode = 1
  },
)
