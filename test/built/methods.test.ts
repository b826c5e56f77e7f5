import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { METHOD_NAMES } from '../../src/mix/names.js'
import { ROOT, run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

const PHOTOS = path.join(ROOT, 'fixtures/photos')
const rows = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

test.each(METHOD_NAMES.filter((name) => name !== 'sage'))(
  '%s makes a dataset that verifies, the same whatever the threads',
  async (method) => {
    const folder = temporaryFolder()
    const args = [PHOTOS, '--size', '48x40', '--method', method, '--count', '21', '--quiet']
    const make = async (name: string, ...more: string[]) => {
      const out = path.join(folder, name)
      expect(await run([...args, '--out', out, ...more])).toMatchObject({ code: 0, stderr: '' })
      return out
    }
    const out = await make('a')
    expect((await run(['verify', out])).code).toBe(0)
    expect(tree(await make('b', '--jobs', '1', '--batch', '1'))).toEqual(tree(out))
    const metadata = rows(path.join(out, 'metadata.jsonl'))
    const provenance = rows(path.join(out, 'provenance.jsonl'))
    const labels = photoLabels()
    provenance.forEach(({ sources, lambda, weights = [lambda, 1 - lambda] }, i) => {
      const expected = new Map<string, number>()
      sources.forEach(({ file }: { file: string }, k: number) => {
        expected.set(labels.get(file)!, (expected.get(labels.get(file)!) ?? 0) + weights[k])
      })
      classesOf(out).forEach((name, k) => {
        expect(metadata[i].soft_label[k]).toBeCloseTo(expected.get(name) ?? 0, 12)
      })
    })
    const model = JSON.parse(readFileSync(path.join(out, 'run.json'), 'utf8')).model
    expect(model === null).toBe(['mixup', 'cutmix', 'smoothmix'].includes(method))
  },
)

function photoLabels(): Map<string, string> {
  const lines = readFileSync(path.join(PHOTOS, 'labels.csv'), 'utf8').trimEnd().split('\n')
  return new Map(lines.map((line) => line.split(',') as [string, string]))
}

function classesOf(out: string): string[] {
  return readFileSync(path.join(out, 'classes.txt'), 'utf8').trimEnd().split('\n')
}

test('a parameter of another method is refused by name', async () => {
  const { code, stderr } = await run([PHOTOS, '--method', 'mixup', '--upper-lambda', '0.5', '--out', 'nowhere'])
  expect(code).toBe(2)
  expect(stderr).toContain('--upper-lambda: --method mixup has no such parameter')
})
