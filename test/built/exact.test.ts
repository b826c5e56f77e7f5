import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { FASHION, ROOT, spawned } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { installation } from '../helpers/installation.js'
import { needing } from '../helpers/needing.js'

const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0

/** In the place of onnxruntime's provider: says what native code reads from the environment at the time CUDA is loaded. */
const SPY = `
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void tell(void) {
  const char *found = getenv("NVIDIA_TF32_OVERRIDE");
  fprintf(stderr, "TF32 override: %s\\n", found ? found : "unset");
}`

needing('a C compiler on Linux', hasCompiler)(
  'with --exact the CUDA provider finds TF32 switched off when it is loaded',
  async () => {
    const { providers, program } = installation()
    const source = path.join(temporaryFolder({ 'spy.c': SPY }), 'spy.c')
    execFileSync('cc', ['-shared', '-fPIC', '-o', path.join(providers, 'libonnxruntime_providers_shared.so'), source])
    const told = async (command: readonly string[], override?: string) => {
      const { code, stderr } = await program([...command, '--device', 'cuda'], { NVIDIA_TF32_OVERRIDE: override })
      expect(code).toBe(5)
      return /^TF32 override: (.*)$/m.exec(stderr)?.[1]
    }
    const out = path.join(temporaryFolder(), 'out')
    const augment = [FASHION, '--out', out]
    const photos = ['rocket.jpg', 'chelsea.jpg'].map((name) => path.join(ROOT, 'fixtures/photos', name))
    expect(await told(augment)).toBe('unset')
    expect(await told([...augment, '--exact'])).toBe('0')
    expect(await told([...augment, '--exact'], '1')).toBe('0')
    expect(await told(['saliency', FASHION, '--out', out, '--exact'])).toBe('0')
    expect(await told(['compare', ...photos, '--out', `${out}.png`, '--exact'])).toBe('0')
  },
)

test('--exact is recorded, and a run does not go on without it', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const args = [FASHION, '--out', out, '--count', '2', '--quiet']
  expect(await spawned([...args, '--exact'])).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(readFileSync(path.join(out, 'run.json'), 'utf8')).options.exact).toBe(true)
  expect(await spawned(args)).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('run with options.exact true, now asked for false'),
  })
})

/** Runs an ES module that may import the library; what it prints. */
function printed(module: string): string {
  const file = path.join(temporaryFolder(), 'host.mjs')
  const library = JSON.stringify(path.join(ROOT, 'dist/index.js'))
  const lines = [
    `import { isMainThread, Worker } from 'node:worker_threads'`,
    `import { augment } from ${library}`,
    `const all = async (run) => { for await (const _ of run); }`,
    `const dry = (more) => all(augment({ images: ${JSON.stringify(FASHION)}, dryRun: true, ...more }))`,
    `const told = (run) => run.then(() => 'done', ({ message }) => message)`,
  ]
  writeFileSync(file, [...lines, module].join('\n'))
  return execFileSync(process.execPath, [file], { encoding: 'utf8' })
}

test('a process that has run without --exact refuses to pretend, unless CUDA is out of the question', () => {
  const said = printed(`
    console.log(await told(dry({ exact: false })))
    console.log(await told(dry({ exact: true })))
    console.log(await told(dry({ exact: true, device: 'cpu' })))`)
  expect(said.split('\n')).toEqual([
    'done',
    '--exact: found an earlier run without it in this process, expected all CUDA runs of a process to agree',
    'done',
    '',
  ])
})

test('in a worker thread of a host, whose environment native code does not see, --exact is refused', () => {
  const said = printed(`
    if (isMainThread) new Worker(new URL(import.meta.url))
    else console.log(await told(dry({ exact: true })))`)
  expect(said).toBe('--exact: found a worker thread, expected the main thread of the process\n')
})
