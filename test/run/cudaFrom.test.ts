import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { placeProvider } from '../../src/run/cudaFrom.js'
import { temporaryFolder } from '../helpers/folder.js'
import { needing } from '../helpers/needing.js'

const isLinux = process.platform === 'linux' && process.arch === 'x64'

needing('Linux x64', isLinux)('what is no wheel is refused with what fetches one', async () => {
  const file = path.join(temporaryFolder(), 'onnxruntime_gpu.whl')
  writeFileSync(file, 'no zip')
  await expect(placeProvider(file)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringMatching(/^--cuda-from .*onnxruntime_gpu\.whl: found a damaged or truncated zip/),
    hint: expect.stringContaining('pip download --no-deps onnxruntime-gpu=='),
  })
  await expect(placeProvider(`${file}.none`)).rejects.toMatchObject({ code: 'usage' })
})

test.skipIf(isLinux)('elsewhere than on Linux x64 no provider is placed', async () => {
  await expect(placeProvider('any.whl')).rejects.toMatchObject({ code: 'usage' })
})
