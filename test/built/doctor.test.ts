import { cpSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { DEVICES } from '../../src/core/devices.js'
import { type Finished, run, spawned } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { installation } from '../helpers/installation.js'
import { needing } from '../helpers/needing.js'

interface Finding {
  readonly name: string
  readonly ok: boolean
  readonly found: string
  readonly hint?: string
}
const NAMES = [...['node', 'sharp', 'onnxruntime'], ...DEVICES, 'processors', 'simd', 'memory', 'thread pool', 'output']

function findings({ stdout }: Pick<Finished, 'stdout'>): Record<string, Finding> {
  const list: Finding[] = JSON.parse(stdout)
  expect(list.map(({ name }) => name)).toEqual(NAMES)
  return Object.fromEntries(list.map((finding) => [finding.name, finding]))
}

test('doctor finds what works here, and says so to people and programs', async () => {
  const out = path.join(temporaryFolder(), 'not/yet/there')
  const finished = await spawned(['doctor', '--json', '--out', out], { UV_THREADPOOL_SIZE: '7' })
  expect(finished).toMatchObject({ code: 0, stderr: '' })
  const { node, sharp, cpu, output, simd, 'thread pool': pool } = findings(finished)
  expect(node!.found).toContain(process.versions.node)
  expect(sharp!.found).toMatch(/^\d+\.\d+\.\d+, libvips \d+\.\d+/)
  expect([cpu!.ok, output!.ok, pool!.found]).toEqual([true, true, '7'])
  expect(simd!.found).toMatch(/^(NEON|.*AVX2.*AVX-512).*; WebAssembly SIMD works$/)
  expect(output!.found).toMatch(/: \d+\.\d GiB free$/)
  const { code, stdout } = await run(['doctor'])
  expect(code).toBe(0)
  for (const name of NAMES) expect(stdout).toMatch(new RegExp(`^(ok|no)  ${name} `, 'm'))
})

test('a device asked for that does not work is exit 5, with what is missing and the command that fetches it', async () => {
  const finished = await run(['doctor', '--json', '--device', 'cuda'])
  const { cuda } = findings(finished)
  if (cuda!.ok) return expect(finished.code).toBe(0)
  expect(finished.code).toBe(5)
  expect(cuda!.found).toMatch(/\.(so|dll)/)
  expect(cuda!.hint).toContain('install')
})

test('a machine where no native code loads is examined all the same', async () => {
  const finished = await spawned(['doctor', '--json'], { NODE_OPTIONS: '--no-addons' })
  expect(finished.code).toBe(5)
  const { sharp, cpu, output } = findings(finished)
  expect([sharp!.ok, cpu!.ok, output!.ok]).toEqual([false, false, true])
  expect(sharp!.found).toContain('does not load')
  expect(cpu!.found).toContain('native addon')
})

needing('Linux', process.platform === 'linux')('an output folder that cannot be written to is named', async () => {
  const { output } = findings(await run(['doctor', '--json', '--out', '/proc/aug']))
  expect(output).toMatchObject({ ok: false, found: expect.stringMatching(/^\/proc\/aug: cannot be written to/) })
})

test('a truncated provider is told from a missing one, and leaves the CPU alone', async () => {
  const { providers, program } = installation()
  for (const name of ['shared', 'cuda']) {
    writeFileSync(
      path.join(providers, `libonnxruntime_providers_${name}.so`),
      Buffer.from('\x7fELF truncated', 'latin1'),
    )
  }
  const finished = await program(['doctor', '--json', '--device', 'cuda'])
  expect(finished.code).toBe(5)
  const { cpu, cuda } = findings(finished)
  expect([cpu!.ok, cuda!.ok]).toEqual([true, false])
  if (process.platform !== 'linux') return
  expect(cuda!.found).toMatch(/^libonnxruntime_providers_shared\.so is damaged \(.+\)/)
  expect(cuda!.hint).toContain('onnxruntime-node-install=cuda12')
})

needing('Linux', process.platform === 'linux')(
  'a library counts as missing until its folder is on the path',
  async () => {
    const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] }
    const folder = temporaryFolder()
    cpSync(sharedObjects.find((file) => /\/libm\.so/.test(file))!, path.join(folder, 'libcudnn.so.9'), {
      dereference: true,
    })
    const missing = async (libraries: string) => {
      const { cuda } = findings(await spawned(['doctor', '--json'], { LD_LIBRARY_PATH: libraries }))
      return cuda!.ok ? [] : (/not found: (.*)/.exec(cuda!.found)?.[1] ?? '').split(', ')
    }
    const without = await missing('')
    if (!without.includes('libcudnn.so.9')) return // This machine has cuDNN in a system folder.
    expect(await missing(folder)).toEqual(without.filter((name) => name !== 'libcudnn.so.9'))
  },
)

test('a runtime that crashes takes only its own process along', async () => {
  const { runtime, program } = installation()
  writeFileSync(path.join(runtime, 'dist/index.js'), 'process.abort()')
  const finished = await program(['doctor', '--json'])
  expect(finished.code).toBe(5)
  const { sharp, cpu, cuda, webgpu } = findings(finished)
  expect(sharp!.ok).toBe(true)
  for (const finding of [cpu, cuda, webgpu]) expect(finding!.found).toContain('was ended by SIGABRT')
})
