import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { TRAINERS } from '../../src/run/loaderCode.js'
import { ROOT, run } from '../helpers/cli.js'

test('loader prints the code for each trainer, and refuses others by name', async () => {
  for (const trainer of TRAINERS) {
    const { code, stdout, stderr } = await run(['loader', trainer])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(readFileSync(path.join(ROOT, `loaders/${trainer}.py`), 'utf8'))
    expect(stdout).toMatch(/soft labels[\s\S]*from augmented import/)
  }
  expect(await run(['loader', 'mxnet'])).toMatchObject({
    code: 2,
    stderr: 'loader mxnet: found no such trainer, expected torch, keras, tf, fastai, hf\n',
  })
})
