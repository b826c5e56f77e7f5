import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { cachedFile } from '../../src/classifiers/cache.js'
import { imagenetClasses } from '../../src/classifiers/imagenet.js'
import { ZOO_ROOT, zoo } from '../../src/classifiers/registry.js'
import { classIndices, resolveModel } from '../../src/classifiers/resolveModel.js'
import { temporaryFolder } from '../helpers/folder.js'

test('the zoo has the classifiers that people ask for, each with all that a pull needs', () => {
  const names = ['squeezenet1.1', 'mobilenetv2', 'densenet121', 'resnet18', 'efficientnet-lite4', 'resnet50']
  expect(zoo.map(({ name }) => name)).toEqual(names)
  expect(new Set(zoo.map(cachedFile)).size).toBe(zoo.length)
  for (const { path: file, bytes, sha256, opset, input } of zoo) {
    expect(new URL(file, ZOO_ROOT).href).toBe(ZOO_ROOT + file)
    expect(file).toMatch(new RegExp(`-${opset}\\.onnx$`))
    expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(bytes).toBeGreaterThan(1e6)
    expect([input.mean.length, input.std.length]).toEqual([3, 3])
  }
})

test('labels match ImageNet classes by WordNet id, by any synonym, and as synset.txt writes them', async () => {
  const classes = await imagenetClasses()
  expect(classes.length).toBe(1000)
  const ids = classes.map(([id]) => id!)
  expect(ids).toEqual([...new Set(ids)].sort())
  expect(ids.every((id) => /^n\d{8}$/.test(id))).toBe(true)
  const known = (...names: string[]) => Array.from(classIndices(names, classes) ?? [])
  expect(known('n01440764', 'Tinca tinca', 'tench', 'tench, Tinca tinca')).toEqual([0, 0, 0, 0])
  // The classes of Imagenette, by name as its authors give them where that is a synonym, else by id.
  expect(known('English springer', 'cassette player', 'chain saw', 'church', 'n03394916', 'garbage truck')).toEqual([
    217, 482, 491, 497, 566, 569,
  ])
  expect(known('gas pump', 'golf ball', 'parachute')).toEqual([571, 574, 701])
})

test('a name that two classes share tells neither', async () => {
  const classes = await imagenetClasses()
  expect(classIndices(['crane'], classes)).toBeNull()
  // Every object has a property of this name.
  expect(classIndices(['constructor'], classes)).toBeNull()
  expect(classIndices(['n02012849', 'n03126707'], classes)).toEqual(Int32Array.of(134, 517))
})

test('a model that is not pulled names the command that pulls it, and a damaged one too', async () => {
  vi.stubEnv('XDG_CACHE_HOME', temporaryFolder())
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const file = cachedFile(zoo.find(({ name }) => name === 'resnet18')!)
  await expect(resolveModel('resnet18', [], {})).rejects.toMatchObject({
    code: 'usage',
    message: `--model resnet18: not pulled yet, expected ${file}`,
    hint: 'sage-augment models pull resnet18 (46.8 MB)',
  })
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, 'damaged')
  await expect(resolveModel('resnet18', [], {})).rejects.toMatchObject({
    code: 'model',
    message: expect.stringMatching(/found SHA-256 \w{64}, expected 4e8f8653/),
    hint: expect.stringContaining('models pull resnet18'),
  })
})
