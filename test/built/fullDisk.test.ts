import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FASHION, run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

const mount = (...args: string[]) => execFileSync('mount', args, { stdio: 'ignore' })

test('a disk too small is found by a dry run and stops the run with one line, and with room again it is completed as if nothing had been', async ({
  skip,
}) => {
  const folder = temporaryFolder()
  const args = (out: string) => [FASHION, '--out', out, '--count', '100', '--format', 'png']
  try {
    mount('-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', folder)
  } catch {
    skip('mounting a tmpfs is not permitted here')
  }
  onTestFinished(() => void execFileSync('umount', [folder]))
  const out = path.join(folder, 'aug')
  expect(await run([...args(out), '--dry-run'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /aug: found 204\.8 kB free, expected about \d+\.\d kB for 100 outputs\n {2}hint: free some space/,
    ),
  })
  expect(existsSync(out)).toBe(false)
  const { code, stderr } = await run(args(out))
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /^.*aug\/.*: no space left on the disk \(ENOSPC\)\n {2}hint: free some space and repeat the command/m,
  )
  mount('-o', 'remount,size=20m', folder)
  expect((await run(args(out))).code).toBe(0)
  const whole = path.join(temporaryFolder(), 'aug')
  expect((await run(args(whole))).code).toBe(0)
  expect(tree(out)).toEqual(tree(whole))
})
