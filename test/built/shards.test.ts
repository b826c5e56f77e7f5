import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { FASHION, run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

test('merged shards are the run in one piece, and verify finds what is broken in it', async () => {
  const folder = temporaryFolder()
  const at = (name: string) => path.join(folder, name)
  const args = [FASHION, '--count', '31', '--quiet', '--write-masks']
  expect((await run([...args, '--out', at('whole')])).code).toBe(0)
  expect((await run([...args, '--out', at('part-{shard}'), '--shard', '2/3'])).code).toBe(0)
  const slurm = (min: number, max: number) => ({
    SLURM_ARRAY_TASK_ID: '0',
    SLURM_ARRAY_TASK_MIN: `${min}`,
    SLURM_ARRAY_TASK_MAX: `${max}`,
    SLURM_ARRAY_TASK_STEP: '1',
    SLURM_ARRAY_TASK_COUNT: `${max - min + 1}`,
  })
  const auto = [...args, '--out', at('part-{shard}'), '--shard', 'auto']
  expect(await run(auto, slurm(0, 1))).toMatchObject({ code: 6, stderr: expect.stringContaining('auto/3') })
  expect((await run(auto, slurm(0, 2))).code).toBe(0)
  const kubernetes = { JOB_COMPLETION_INDEX: '2' }
  const merge = ['merge', at('part-2-of-3'), at('part-1-of-3')]
  expect(await run([...merge, '--out', at('merged')])).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('shard 3/3: not among the folders'),
  })
  expect((await run([...args, '--out', at('part-{shard}'), '--shard', 'auto/3'], kubernetes)).code).toBe(0)
  expect(await run([...merge, at('part-3-of-3'), '--out', at('merged')])).toMatchObject({ code: 0 })
  expect(tree(at('merged'))).toEqual(tree(at('whole')))
  expect(await run(['verify', at('merged')])).toMatchObject({
    code: 0,
    stderr: `${at('merged')}: 31 pictures, all right\n`,
  })
  // The merged folder is a complete run: the command in one piece has nothing to add.
  expect(await run([FASHION, '--count', '31', '--write-masks', '--out', at('merged')])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('nothing was missing'),
  })
  await expectBreaksFound(at('merged'), at('broken'))
})

async function expectBreaksFound(whole: string, copy: string): Promise<void> {
  const file = 'images/00000/000000004.jpg'
  const breaks: [(at: (name: string) => string) => void, RegExp][] = [
    [(at) => rmSync(at(file)), /000000004\.jpg: not there/],
    [(at) => truncateSync(at(file), 200), /000000004\.jpg: found SHA-256/],
    [(at) => cpSync(at(file), at('images/00000/000000099.jpg')), /000000099\.jpg: found a picture without a row/],
    [(at) => edit(at('labels.csv'), /(004\.jpg,.*)0\.0/, '$10.5'), /labels\.csv:6: found 10 weights that sum to 1\.5/],
    [
      (at) => edit(at('metadata.jsonl'), /\n[^\n]*\n$/, '\n'),
      /^metadata\.jsonl: found 30 rows, expected 31 as in labels\.csv/m,
    ],
    [(at) => edit(at('run.json'), /"complete": true/, '"complete": false'), /run\.json: found an unfinished run/],
    [(at) => edit(at('run.json'), /"written": 31/, '"written": 30'), /run\.json: found 30 written, expected 31/],
  ]
  for (const [damage, expected] of breaks) {
    rmSync(copy, { recursive: true, force: true })
    cpSync(whole, copy, { recursive: true })
    damage((name) => path.join(copy, name))
    expect(await run(['verify', copy])).toMatchObject({ code: 1, stderr: expect.stringMatching(expected) })
  }
}

function edit(file: string, pattern: RegExp, replacement: string): void {
  const text = readFileSync(file, 'utf8')
  const edited = text.replace(pattern, replacement)
  expect(edited).not.toBe(text)
  writeFileSync(file, edited)
}

test('shards of different runs are not merged', async () => {
  const folder = temporaryFolder()
  const shard = (i: number, seed: number) =>
    run([FASHION, '--count', '4', '--seed', `${seed}`, '--out', path.join(folder, `${i}`), '--shard', `${i}/2`])
  expect([(await shard(1, 0)).code, (await shard(2, 1)).code]).toEqual([0, 0])
  expect(
    await run(['merge', path.join(folder, '1'), path.join(folder, '2'), '--out', path.join(folder, 'all')]),
  ).toMatchObject({
    code: 6,
    stderr: expect.stringMatching(/2: options\.seed is 1, in .*1 0/),
  })
})

test('a sharded verify reads each picture in one part, and tables in all', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  expect((await run([FASHION, '--method', 'mixup', '--count', '7', '--out', out, '--quiet'])).code).toBe(0)
  for (const name of ['000000000', '000000004', '000000006'])
    truncateSync(path.join(out, `images/00000/${name}.jpg`), 200)
  const bad = async (...more: string[]) => {
    const { code, stdout } = await run(['verify', out, '--json', ...more])
    expect(code).toBe(1)
    return (JSON.parse(stdout).problems as string[]).map((problem) => problem.replace(/: .*/, '').slice(-7))
  }
  expect(await bad()).toEqual(['000.jpg', '004.jpg', '006.jpg'])
  expect(await bad('--shard', '1/3')).toEqual(['000.jpg', '006.jpg'])
  expect(await bad('--shard', '2/3')).toEqual(['004.jpg'])
  expect(await run(['verify', out, '--shard', '3/3'])).toEqual({
    code: 0,
    stdout: '',
    stderr: `${out}: 7 pictures, part 3/3 looked at, all right\n`,
  })
  writeFileSync(path.join(out, 'images/00000/stray.jpg'), '')
  expect(await bad('--shard', '3/3')).toEqual(['ray.jpg'])
  expect(await run(['verify', out, '--shard', '4/3'])).toMatchObject({ code: 2 })
  expect(await run(['verify', out, '--shard', '1/3', '--repair'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^--repair: found with --shard/),
  })
})
