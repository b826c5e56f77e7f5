/** A server of the S3 protocol on this machine (s3rver, an independent one), and a way to it that breaks. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { ROOT } from './cli.js'

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

export interface ObjectStore {
  /** What the program needs in its environment to find the server. */
  readonly env: Readonly<Record<string, string>>
  /** Puts all files of a folder below a prefix of the bucket `bucket`. */
  put(folder: string, prefix: string): Promise<void>
  remove(key: string): Promise<unknown>
  /** The objects below a prefix, by their names behind it, as text that compares bytes. */
  tree(prefix: string, without?: RegExp): Promise<Record<string, string>>
  /** When each object was written. */
  times(prefix: string): Promise<Record<string, number>>
  /** The environment with a way to the server that `cut` decides about: whether to cut connection `n` after how many bytes. */
  through(cut: (n: number) => number | undefined): Promise<Readonly<Record<string, string>>>
}

const SECRET = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER', AWS_REGION: 'us-east-1' }

export async function objectStore(): Promise<ObjectStore> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'sage-objects-'))
  const port = await freePort()
  const program = path.join(ROOT, 'node_modules/s3rver/bin/s3rver.js')
  const place = ['-d', directory, '-p', String(port), '-a', '127.0.0.1', '--configure-bucket', 'bucket', '--silent']
  // Its tokens of a listing are ciphered with what OpenSSL 3 calls legacy.
  const child = spawn(process.execPath, ['--openssl-legacy-provider', program, ...place], { stdio: 'ignore' })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await new Promise((resolve) =>
      child.exitCode === null && child.signalCode === null ? child.on('exit', resolve) : resolve(0),
    )
    rmSync(directory, { recursive: true, force: true })
  })
  while (!(await answers(port))) await wait(20)
  const env = { ...SECRET, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` }
  const sdk = await import('@aws-sdk/client-s3')
  const credentials = { accessKeyId: SECRET.AWS_ACCESS_KEY_ID, secretAccessKey: SECRET.AWS_SECRET_ACCESS_KEY }
  const client = new sdk.S3Client({
    endpoint: env.AWS_ENDPOINT_URL_S3,
    forcePathStyle: true,
    region: SECRET.AWS_REGION,
    credentials,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  async function list(prefix: string) {
    const pages = sdk.paginateListObjectsV2({ client }, { Bucket: 'bucket', Prefix: `${prefix}/` })
    const found: { Key?: string | undefined; LastModified?: Date | undefined }[] = []
    for await (const page of pages) found.push(...(page.Contents ?? []))
    return found.map(({ Key, LastModified }) => ({
      key: Key!,
      name: Key!.slice(prefix.length + 1),
      time: LastModified!,
    }))
  }
  return {
    env,
    async put(folder, prefix) {
      for (const name of readdirSync(folder, { recursive: true }) as string[]) {
        const file = path.join(folder, name)
        if (!statSync(file).isFile()) continue
        const Key = `${prefix}/${name.split(path.sep).join('/')}`
        await client.send(new sdk.PutObjectCommand({ Bucket: 'bucket', Key, Body: readFileSync(file) }))
      }
    },
    remove: (Key) => client.send(new sdk.DeleteObjectCommand({ Bucket: 'bucket', Key })),
    async tree(prefix, without = /^run\.json$/) {
      const found: Record<string, string> = {}
      for (const { key, name } of await list(prefix)) {
        if (without.test(name)) continue
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: 'bucket', Key: key }))
        found[name] = await Body!.transformToString('latin1')
      }
      return found
    },
    times: async (prefix) => Object.fromEntries((await list(prefix)).map(({ name, time }) => [name, time.getTime()])),
    async through(cut) {
      const through = await breakingWay(port, cut)
      return { ...env, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${through}` }
    },
  }
}

/** Carries bytes to `port` and back, and cuts a connection after so many of them. */
async function breakingWay(port: number, cut: (n: number) => number | undefined): Promise<number> {
  let connections = 0
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1')
    const n = connections++
    let bytes = 0
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk) => {
        bytes += chunk.length
        // Asked again: a connection may live long.
        if (bytes > (cut(n) ?? Number.POSITIVE_INFINITY)) for (const end of [near, far]) end.destroy()
        else to.write(chunk)
      })
      from.on('close', () => to.destroy())
      from.on('error', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
  })
  return (server.address() as net.AddressInfo).port
}

async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
