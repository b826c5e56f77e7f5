/** `npm test` after the build: the tests, and beside them the checks, which mostly keep one core busy. */
import { spawn } from 'node:child_process'

/** Runs a command to its end and gives its exit code; with `quiet` its output, as it is only read after a failure. */
function run(command, { quiet = false } = {}) {
  const child = spawn(command, {
    shell: true,
    stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text) => {
      said += text
    })
  }
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code: code ?? 1, said }))
  })
}

const options = process.argv.slice(2).map((word) => JSON.stringify(word))
const [check, tests] = await Promise.all([
  // Packing would build dist/ anew under the tests.
  run('npm run check --ignore-scripts', { quiet: true }),
  run(['npx vitest run', ...options].join(' ')),
])
process.stdout.write(check.code === 0 ? 'npm run check: fine\n' : check.said)
process.exitCode = check.code || tests.code
