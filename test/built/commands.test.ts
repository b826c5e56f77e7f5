/** Runs every command that the README and the docs show, with the packed package in an empty folder. */
import { execFile } from 'node:child_process'
import { chmodSync, cpSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { FASHION, ROOT, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { needing } from '../helpers/needing.js'
import { packed } from '../helpers/packed.js'

/** Commands that cannot run here as they stand, why, and what runs instead. */
const EXCEPTIONS: readonly { command: RegExp; because: string; instead?: readonly string[] }[] = [
  { command: /^npm (ci|install)\b/, because: 'needs the registry; the package is there already' },
  { command: /^npm (test|run)\b/, because: 'is for a checkout, and these tests are a part of it' },
  { command: /--cuda-from/, because: 'needs a wheel of 247 MB' },
  { command: /models pull/, because: 'downloads' },
  {
    command: /^sbatch /,
    because: 'needs Slurm',
    instead: [1, 2, 3, 4, 5, 6, 7, 8].map(
      (i) => `sage-augment ./pets --method mixup --out aug-${i}-of-8 --shard ${i}/8`,
    ),
  },
  {
    command: /sage-augment trial/,
    because: 'takes minutes',
    instead: ['sage-augment trial ./pets --steps 2 --repetitions 1 --methods mixup'],
  },
  {
    command: /inspect pets.onnx --try/,
    because: 'looks for a model of these classes',
    instead: ['sage-augment adapt ./pets --out pets.onnx', 'sage-augment inspect pets.onnx --try ./pets'],
  },
  { command: /s3:\/\//, because: 'needs an object store: objects.test.ts has one' },
  { command: /cifar10\//, because: 'needs the pictures of CIFAR-10' },
  { command: /^(node|python3?) test\//, because: 'is for a checkout, and takes long' },
  { command: /^parallel /, because: 'needs GNU parallel' },
  { command: /\$SAGE|PBS_O_WORKDIR/, because: 'needs a scheduler: test/external/clusters.sh has real ones' },
]

/** The same options with less to do: what a command makes is checked elsewhere, here it has to work. */
function lighter(command: string): string {
  return command.replace(/--count \d+/, '--count 4').replace(/--epochs \d+/, '--epochs 2')
}

interface Command {
  readonly file: string
  readonly text: string
}

const DOCS = ['README.md', ...readdirSync(path.join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((file) =>
  file.endsWith('.md'),
)

/** The commands of each sh block, in order, and each of those within a line alone. */
function commandsOf(file: string): Command[][] {
  const text = readFileSync(path.join(ROOT, file), 'utf8')
  const blocks = [...text.matchAll(/```(?:sh|bash)\n([\s\S]*?)```/g)].map((match) => match[1]!.trim().split('\n'))
  const prose = text.replace(/```[\s\S]*?```/g, '')
  const inline = [...prose.matchAll(/`([^`\n]*\bsage-augment (?:-|[^\s`]+ )[^`\n]*)`/g)].map((match) => [match[1]!])
  const parts = (line: string) => line.replace(/\s+#.*$/, '').split(' && ')
  return [...blocks, ...inline].map((lines) => lines.flatMap(parts).map((command) => ({ file, text: command.trim() })))
}

/** A folder with what the commands name: pictures, labels, models, an options file, a finished data set. */
function workplace(bin: string): string {
  const folder = temporaryFolder({
    'pets.csv': `file_name,label\n${Array.from({ length: 12 }, (_, i) => `${kind(i)}/${i}.png,${kind(i)}`).join('\n')}\n`,
    'pairs.json': JSON.stringify(
      [['pets/cat/0.png', 'pets/dog/1.png']].map(([a, b]) => ({ a, b, label_a: 'cat', label_b: 'dog' })),
    ),
    'sage-augment.json': JSON.stringify({ images: 'pets', out: 'aug', method: 'mixup' }),
    'bin/npx': '#!/bin/sh\nexec "$@"\n',
    'bin/sage-augment': `#!/bin/sh\nexec "${process.execPath}" "${bin}" "$@"\n`,
  })
  for (const name of ['npx', 'sage-augment']) chmodSync(path.join(folder, 'bin', name), 0o755)
  for (let i = 0; i < 12; i++) {
    cpSync(path.join(FASHION, `${String(i).padStart(3, '0')}.png`), path.join(folder, 'pets', kind(i), `${i}.png`))
  }
  symlinkSync(path.join(ROOT, 'fixtures'), path.join(folder, 'fixtures'))
  for (const name of ['model', 'resnet50'])
    cpSync(path.join(ROOT, 'models/cifar10.onnx'), path.join(folder, `${name}.onnx`))
  return folder
}

const kind = (i: number) => (i % 2 === 0 ? 'cat' : 'dog')

interface Ended {
  readonly code: number | null
  readonly said: string
}

/** Runs a command of plain words in this process, which takes half the time; all others in a shell. */
async function carryOut(command: string, cwd: string, installed: string): Promise<Ended> {
  const [, words] = /^(?:npx )?sage-augment ([\w./: -]+)$/.exec(command) ?? []
  if (words === undefined) return bash(command, cwd)
  const before = process.cwd()
  process.chdir(cwd)
  try {
    const { code, stdout, stderr } = await run(words.split(' '), {}, installed)
    return { code, said: stdout + stderr }
  } finally {
    process.chdir(before)
  }
}

function bash(command: string, cwd: string): Promise<Ended> {
  const env = { ...process.env, PATH: `${path.join(cwd, 'bin')}:${process.env.PATH}` }
  return new Promise((resolve) => {
    const child = execFile('bash', ['-e', '-c', command], { cwd, env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, said: stdout + stderr }),
    )
  })
}

needing('bash', process.platform !== 'win32')(
  'every command of the README and the docs works',
  async () => {
    const { folder: installed } = packed(temporaryFolder())
    const used = new Set<RegExp>()
    /** What is carried out for a command that the docs show. */
    function meant(command: string): readonly string[] {
      const exception = EXCEPTIONS.find((one) => one.command.test(command))
      if (exception !== undefined) used.add(exception.command)
      return exception === undefined ? [lighter(command)] : (exception.instead ?? [])
    }
    const groups = DOCS.flatMap(commandsOf).map((group) =>
      group.flatMap(({ file, text }) => meant(text).map((command) => ({ file, command }))),
    )
    // The same commands begin in the same folder wherever they stand.
    const different = new Map(groups.map((group) => [group.map(({ command }) => command).join('\n'), group]))
    let ran = 0
    for (const group of different.values()) {
      if (group.length === 0) continue
      const folder = workplace(path.join(installed, 'bin/sage-augment.js'))
      // One that looks at a finished data set needs one.
      if (/verify|compare|aug --labels/.test(group[0]!.command))
        await carryOut('sage-augment pets --method mixup --out aug', folder, installed)
      for (const { file, command } of group) {
        const { code, said } = await carryOut(command, folder, installed)
        ran++
        // A machine without the device says so with 5.
        const fine = code === 0 || (code === 5 && /--device (cuda|webgpu)/.test(command))
        expect({ file, command, fine, ...(!fine && { code, said }) }).toEqual({ file, command, fine: true })
      }
    }
    expect(ran).toBeGreaterThan(12)
    expect(EXCEPTIONS.filter(({ command }) => !used.has(command)).map(({ because }) => because)).toEqual([])
  },
  1_200_000,
)
