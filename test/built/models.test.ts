import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FASHION, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'

test('models lists the bundled classifiers and those of the zoo, and shows where each belongs', async () => {
  const cache = temporaryFolder()
  const { code, stdout } = await run(['models', '--json'], { XDG_CACHE_HOME: cache })
  expect(code).toBe(0)
  const models = JSON.parse(stdout) as { name: string; state: string; classes: number; licence: string }[]
  const state = Object.fromEntries(models.map((model) => [model.name, `${model.state} ${model.classes}`]))
  expect(state).toMatchObject({ cifar10: 'bundled 10', 'fashion-mnist': 'bundled 10', general: 'bundled 1000' })
  expect(state).toMatchObject({ resnet18: 'not pulled 1000' })
  expect(models.filter(({ licence }) => !['MIT', 'Apache-2.0'].includes(licence))).toEqual([])
  const lines = (await run(['models', 'list'], { XDG_CACHE_HOME: cache })).stdout.trimEnd().split('\n')
  expect(lines.map((line) => line.split(' ')[0])).toEqual(models.map(({ name }) => name))
  const shown = JSON.parse((await run(['models', 'show', 'densenet121'], { XDG_CACHE_HOME: cache })).stdout)
  expect(shown).toMatchObject({
    sha256: expect.stringMatching(/^0294e7e8/),
    url: expect.stringMatching(/^https:\/\/huggingface\.co\/onnxmodelzoo\/.*densenet-12\.onnx$/),
    file: path.join(cache, 'sage-augment/models/densenet-12.onnx'),
    input: { colorOrder: 'bgr' },
  })
})

test('a name that nobody knows is a usage error that tells the names', async () => {
  for (const command of ['show', 'pull']) {
    const { code, stderr } = await run(['models', command, 'resnet19'])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/no "resnet19", expected .*resnet18/) })
  }
  expect(await run(['models', 'push'])).toMatchObject({ code: 2 })
})

test('a model that is not pulled is not downloaded: the run names the command that does it', async () => {
  const folder = temporaryFolder()
  // Whoever tries to connect anywhere reaches nobody.
  const env = { XDG_CACHE_HOME: folder, HTTPS_PROXY: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1' }
  const { code, stderr } = await run([FASHION, '--out', path.join(folder, 'aug'), '--model', 'resnet18'], env)
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /--model resnet18: not pulled yet, expected .*resnet18-v1-7\.onnx\n {2}hint: .*models pull resnet18/,
  )
})

test('what a mirror sends in place of the model is refused', async () => {
  const asked: (string | undefined)[] = []
  const server = http.createServer((request, response) => {
    asked.push(request.url)
    // A server that closes at the end, while the client still writes, ended some versions of undici with an assertion.
    response.writeHead(200, { 'content-length': 4_956_208, connection: 'close' }).end(Buffer.alloc(4_956_208))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/copy/`
  const cache = temporaryFolder()
  const { code, stderr } = await run(['models', 'pull', 'squeezenet1.1', '--mirror', mirror], { XDG_CACHE_HOME: cache })
  expect(code).toBe(1)
  expect(stderr).toMatch(/squeezenet1\.1: found a file of SHA-256 \w{64}, expected 1eeff551/)
  expect(asked).toEqual(['/copy/validated/vision/classification/squeezenet/model/squeezenet1.1-7.onnx'])
  const listed = JSON.parse((await run(['models', '--json'], { XDG_CACHE_HOME: cache })).stdout)
  expect(listed.find((model: { name: string }) => model.name === 'squeezenet1.1').state).toBe('not pulled')
})
