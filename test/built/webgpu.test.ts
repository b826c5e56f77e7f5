import { cpSync, existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { ROOT, run, spawned } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { needing } from '../helpers/needing.js'

/** A Vulkan driver in software, which Debian's Chromium brings. */
const SOFTWARE_VULKAN = '/usr/lib/chromium/vk_swiftshader_icd.json'

const hasWebgpu = existsSync(SOFTWARE_VULKAN) && process.platform === 'linux' && process.arch === 'x64'

needing('a Vulkan driver in software', hasWebgpu)('WebGPU draws the maps of the CPU and is on record', async () => {
  const folder = temporaryFolder()
  cpSync(path.join(ROOT, 'fixtures/photos/chelsea.jpg'), path.join(folder, 'in/chelsea.jpg'))
  const draw = async (device: string) => {
    const out = path.join(folder, device)
    const args = ['saliency', path.join(folder, 'in'), '--target', 'predicted', '--raw', 'npy', '--out', out]
    const { code, stderr } = await spawned([...args, '--device', device], { VK_ICD_FILENAMES: SOFTWARE_VULKAN })
    expect({ code, end: stderr.trimEnd().split('\n').at(-1) }).toEqual({ code: 0, end: expect.stringMatching(device) })
    expect(JSON.parse(readFileSync(path.join(out, 'saliency.json'), 'utf8')).device).toBe(device)
    const bytes = readFileSync(path.join(out, 'maps/chelsea.jpg.npy'))
    return new Float32Array(new Uint8Array(bytes.subarray(10 + bytes.readUInt16LE(8))).buffer)
  }
  const [webgpu, cpu] = [await draw('webgpu'), await draw('cpu')]
  expect(webgpu.length).toBe(32 * 32)
  webgpu.forEach((value, i) => {
    expect(Math.abs(value / cpu[i]! - 1)).toBeLessThan(1e-4)
  })
})

needing('Linux', process.platform === 'linux')('without a GPU driver WebGPU is exit 5 and says so', async () => {
  const photos = path.join(ROOT, 'fixtures/photos')
  const args = ['saliency', photos, '--out', path.join(temporaryFolder(), 'maps'), '--device', 'webgpu']
  const { code, stderr } = await run(args, { VK_ICD_FILENAMES: '/nonexistent' })
  expect(code).toBe(5)
  expect(stderr).toMatch(/^--device webgpu: Failed to get a WebGPU adapter.*\n {2}hint: needs a GPU/m)
})
