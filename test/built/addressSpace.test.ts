import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'
import { FASHION, ROOT } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

/** KiB of addresses, as schedulers give them: enough for a run, not for the 10 GB that a WebAssembly memory reserves. */
const LIMIT = 6 * 2 ** 20

test.skipIf(process.platform !== 'linux')(
  'under a limit of address space the same data set is made, with a notice',
  () => {
    const folder = temporaryFolder()
    const make = (out: string, before: string) => {
      const program = [
        process.execPath,
        path.join(ROOT, 'bin/sage-augment.js'),
        FASHION,
        '--count',
        '20',
        '--jobs',
        '2',
      ]
      const args = ['-c', `${before} exec "$0" "$@"`, ...program, '--out', path.join(folder, out)]
      return spawnSync('bash', args, { encoding: 'utf8' })
    }
    expect(make('free', '')).toMatchObject({ status: 0, stderr: expect.not.stringContaining('WebAssembly') })
    expect(make('limited', `ulimit -v ${LIMIT};`)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/leaves no room for WebAssembly: the same shifts are searched without it/),
    })
    expect(tree(path.join(folder, 'limited'))).toEqual(tree(path.join(folder, 'free')))
  },
)
