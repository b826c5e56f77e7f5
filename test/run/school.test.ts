import { expect, test } from 'vitest'
import { dense } from '../../src/core/softLabel.js'
import { readSchool } from '../../src/run/school.js'
import { temporaryFolder } from '../helpers/folder.js'

const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47)
/** `count` pictures of each class, one folder a class. */
const pictures = (counts: Record<string, number>) =>
  temporaryFolder(
    Object.fromEntries(
      Object.entries(counts).flatMap(([name, count]) =>
        Array.from({ length: count }, (_, i) => [`${name}/${i}.png`, png] as const),
      ),
    ),
  )

test('the same share of every class is held out, drawn by the seed, and nothing is in both parts', async () => {
  const images = pictures({ cat: 20, dog: 10, owl: 2 })
  const held = async (seed: number) => {
    const { lessons, exam } = await readSchool(images, { holdOut: 0.3, seed })
    expect([...lessons.sources, ...exam.sources].map(({ file }) => file).sort()).toHaveLength(32)
    expect(new Set([...lessons.sources, ...exam.sources].map(({ file }) => file)).size).toBe(32)
    return exam.sources.map(({ file }) => file)
  }
  const first = await held(1)
  expect(['cat', 'dog', 'owl'].map((name) => first.filter((file) => file.startsWith(name)).length)).toEqual([6, 3, 1])
  expect(await held(1)).toEqual(first)
  expect(await held(2)).not.toEqual(first)
})

test('pictures to judge by keep their soft labels, under the classes of the others', async () => {
  const images = pictures({ cat: 2, dog: 2, owl: 2 })
  const val = temporaryFolder({
    'a.png': png,
    'b.png': png,
    'labels.csv': 'file_name,owl,cat\na.png,0.25,0.75\nb.png,1,0\n',
  })
  const { exam } = await readSchool(images, { val, holdOut: 0.1, seed: 0 })
  expect(exam.sources.map(({ label }) => Array.from(dense(label, 3)))).toEqual([
    [0.75, 0, 0.25],
    [0, 0, 1],
  ])
})
