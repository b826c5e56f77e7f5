import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { cachedFile, cacheFolder } from '../../src/classifiers/cache.js'
import { type PullOptions, pull } from '../../src/classifiers/pull.js'
import type { ZooModel } from '../../src/classifiers/registry.js'
import { temporaryFolder } from '../helpers/folder.js'

const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) >> 3))

const MODEL: ZooModel = {
  name: 'small',
  path: 'validated/small-1.onnx',
  bytes: BYTES.length,
  sha256: createHash('sha256').update(BYTES).digest('hex'),
  opset: 12,
  licence: 'MIT',
  top1: 1,
  input: { width: 1, height: 1, layout: 'nchw', colorOrder: 'rgb', scale: 1, mean: [0], std: [1] },
}

/** A server on this machine that goes with the test; `asked` are the ranges of its requests. */
async function serve(answer: (request: http.IncomingMessage, response: http.ServerResponse, nth: number) => void) {
  const asked: (string | undefined)[] = []
  const server = http.createServer((request, response) => {
    asked.push(request.headers.range)
    answer(request, response, asked.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, asked, mirror: `http://127.0.0.1:${(server.address() as AddressInfo).port}/zoo` }
}

/** What a good server sends; `until` bytes of the file at most, then the connection breaks. */
function send({ headers }: http.IncomingMessage, response: http.ServerResponse, until = BYTES.length, bytes = BYTES) {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
  const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from, ...(from > 0 && range) })
  if (until >= bytes.length) response.end(bytes.subarray(from))
  else response.write(bytes.subarray(from, until), () => setTimeout(() => response.destroy(), 50))
}

function cache(): { file: string; part: string; left: () => string[] } {
  vi.stubEnv('XDG_CACHE_HOME', temporaryFolder())
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const file = cachedFile(MODEL)
  return { file, part: `${file}.part`, left: () => readdirSync(path.dirname(file)) }
}

/** Whether a file is the model; its bytes are too many to be compared by expect. */
function isThere(file: string): boolean {
  return readFileSync(file).equals(BYTES)
}

const quiet: PullOptions = { progress: () => {}, notice: () => {}, patience: 1000 }

test('a model is pulled once, tells its progress, and leaves nothing else behind', async () => {
  const { file, left } = cache()
  const { mirror, asked } = await serve((request, response) => send(request, response))
  const told: number[] = []
  const options = { ...quiet, mirror, progress: (done: number, total: number) => told.push(done, total) }
  expect(await pull(MODEL, options)).toBe(file)
  expect(isThere(file)).toBe(true)
  expect(told.slice(-2)).toEqual([BYTES.length, BYTES.length])
  expect(await pull(MODEL, options)).toBe(file)
  expect(asked).toEqual([undefined])
  expect(left()).toEqual([path.basename(file)])
})

test('a server that breaks every connection is asked for the rest', async () => {
  const { file } = cache()
  const { mirror, asked } = await serve((request, response, nth) => send(request, response, nth * 100_000))
  await pull(MODEL, { ...quiet, mirror })
  expect(isThere(file)).toBe(true)
  expect(asked[0]).toBeUndefined()
  expect(asked.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true)
})

test('what a killed pull has left is continued', async () => {
  const { file, part } = cache()
  mkdirSync(path.dirname(part), { recursive: true })
  writeFileSync(part, BYTES.subarray(0, 123_456))
  const { mirror, asked } = await serve((request, response) => send(request, response))
  await pull(MODEL, { ...quiet, mirror })
  expect(isThere(file)).toBe(true)
  expect(asked).toEqual(['bytes=123456-'])
})

test('what is left of something else is thrown away, and the model fetched whole', async () => {
  const { file, part } = cache()
  mkdirSync(path.dirname(part), { recursive: true })
  writeFileSync(part, Buffer.alloc(1000))
  const { mirror, asked } = await serve((request, response) => send(request, response))
  await pull(MODEL, { ...quiet, mirror })
  expect(isThere(file)).toBe(true)
  expect(asked).toEqual(['bytes=1000-', undefined])
})

test('a server without ranges is asked anew, and given up if it never comes to the end', async () => {
  const { file, part, left } = cache()
  const whole = await serve((_, response) => response.end(BYTES))
  mkdirSync(path.dirname(part), { recursive: true })
  writeFileSync(part, BYTES.subarray(0, 1000))
  await pull(MODEL, { ...quiet, mirror: whole.mirror })
  expect(isThere(file)).toBe(true)
  writeFileSync(file, 'damaged')
  const half = await serve((_, response) => {
    response.write(BYTES.subarray(0, 150_000))
    response.end()
  })
  await expect(pull(MODEL, { ...quiet, mirror: half.mirror })).rejects.toThrow(/150000 of 300000 bytes/)
  // The first attempt brought something, the next five nothing more.
  expect(half.asked.length).toBe(6)
  expect(left()).toEqual(['small-1.onnx', 'small-1.onnx.part'])
})

test('a corrupted byte is found, and the damaged file does not stay', async () => {
  const { file, left } = cache()
  const wrong = Buffer.from(BYTES)
  wrong[200_000]! ^= 1
  const { mirror } = await serve((request, response) => send(request, response, BYTES.length, wrong))
  await expect(pull(MODEL, { ...quiet, mirror })).rejects.toThrow(`expected ${MODEL.sha256}`)
  expect(left()).toEqual([])
  const good = await serve((request, response) => send(request, response))
  await pull(MODEL, { ...quiet, mirror: good.mirror })
  expect(isThere(file)).toBe(true)
})

test('a server that stalls is left after a while and asked for the rest', async () => {
  const { file } = cache()
  const { mirror, asked } = await serve((request, response, nth) => {
    if (nth > 1) return send(request, response)
    response.writeHead(200, { 'content-length': BYTES.length })
    response.write(BYTES.subarray(0, 50_000))
  })
  await pull(MODEL, { ...quiet, mirror })
  expect(isThere(file)).toBe(true)
  expect(asked).toEqual([undefined, 'bytes=50000-'])
})

test('redirects are followed, to another server too, and keep the range', async () => {
  const { file, part } = cache()
  mkdirSync(path.dirname(part), { recursive: true })
  writeFileSync(part, BYTES.subarray(0, 777))
  const target = await serve((request, response) => send(request, response))
  const { mirror } = await serve((request, response) => {
    const location = request.url?.startsWith('/zoo/') ? '/elsewhere' : `${target.mirror}/signed?by=somebody`
    response.writeHead(302, { location }).end()
  })
  await pull(MODEL, { ...quiet, mirror })
  expect(isThere(file)).toBe(true)
  expect(target.asked).toEqual(['bytes=777-'])
})

test('answers that cannot be the model end the pull at once; a busy server does not', async () => {
  const answers: [RegExp, (response: http.ServerResponse) => void][] = [
    [/HTTP status 404, expected the 300000 bytes of small/, (r) => r.writeHead(404).end('none')],
    [/offers 5 bytes/, (r) => r.writeHead(200, { 'content-length': 5 }).end('hello')],
    [/sends more bytes/, (r) => r.write(BYTES, () => r.end(BYTES))],
    [/answers with the range bytes 7-9/, (r) => r.writeHead(206, { 'content-range': 'bytes 7-9/10' }).end('abc')],
  ]
  for (const [message, answer] of answers) {
    cache()
    const { mirror, asked } = await serve((_, response) => answer(response))
    await expect(pull(MODEL, { ...quiet, mirror })).rejects.toThrow(message)
    expect(asked.length).toBe(1)
  }
  const { file } = cache()
  const { mirror, asked } = await serve((request, response, nth) =>
    nth < 3 ? response.writeHead(503).end() : send(request, response),
  )
  await pull(MODEL, { ...quiet, mirror })
  expect(isThere(file)).toBe(true)
  expect(asked.length).toBe(3)
})

test('nobody there is said at once, with what to do', async () => {
  cache()
  const { mirror, server } = await serve(() => {})
  await new Promise((resolve) => server.close(resolve))
  await expect(pull(MODEL, { ...quiet, mirror })).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringContaining('ECONNREFUSED'),
    hint: expect.stringContaining('models show small'),
  })
})

test('a proxy is used where the environment names one, unless it excepts the host', async () => {
  const { file } = cache()
  const { mirror } = await serve((request, response) => send(request, response))
  const tunnels: string[] = []
  const proxy = await serve((_, response) => response.writeHead(500).end())
  proxy.server.on('connect', (request, socket) => {
    tunnels.push(request.url!)
    const [host, port] = request.url!.split(':')
    const through = net.connect(Number(port), host!, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      through.pipe(socket).pipe(through)
    })
    through.on('error', () => socket.destroy())
    socket.on('error', () => through.destroy())
  })
  vi.stubEnv('HTTP_PROXY', new URL(proxy.mirror).origin)
  await pull(MODEL, { ...quiet, mirror })
  expect(tunnels).toEqual([new URL(mirror).host])
  writeFileSync(file, 'damaged')
  vi.stubEnv('NO_PROXY', '127.0.0.1')
  await pull(MODEL, { ...quiet, mirror })
  expect(tunnels.length).toBe(1)
  expect(isThere(file)).toBe(true)
})

test('of two pulls at once one does the work and the other is told who does', async () => {
  const { file } = cache()
  const { mirror } = await serve((request, response) => setTimeout(() => send(request, response), 300))
  const results = await Promise.allSettled([pull(MODEL, { ...quiet, mirror }), pull(MODEL, { ...quiet, mirror })])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(results.find((result) => result.status === 'rejected')!.reason.message).toMatch(/in use by process \d+/)
  expect(existsSync(file)).toBe(true)
})

test('the cache lies where each platform has it', () => {
  const at = (platform: NodeJS.Platform, env = {}) => cacheFolder({ platform, env, home: '/home/me' })
  expect(at('linux')).toBe('/home/me/.cache/sage-augment')
  expect(at('linux', { XDG_CACHE_HOME: '/fast' })).toBe('/fast/sage-augment')
  expect(at('linux', { XDG_CACHE_HOME: 'not/absolute' })).toBe('/home/me/.cache/sage-augment')
  expect(at('darwin')).toBe('/home/me/Library/Caches/sage-augment')
  expect(at('win32', { LOCALAPPDATA: '/local' })).toBe('/local/sage-augment/Cache')
})
