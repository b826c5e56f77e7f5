import { Command, Option } from 'commander'
import { EXIT } from '../core/errors.js'
import type { Finding } from '../run/doctor.js'

/** `sage-augment doctor`: what the machine has and lacks; exit 5 where the device does not work. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('say what this machine has and lacks, trying each device')
    .option('--out <dir>', 'output folder to look at', 'aug')
    .addOption(
      new Option('--device <name>', 'exit 5 unless this one works, and cpu')
        .choices(['auto', 'cuda', 'webgpu', 'cpu'])
        .default('auto'),
    )
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  sage-augment doctor --device cuda --out /data/aug')
    .action(run)
}

async function run({ out, device, json }: { out: string; device: string; json?: boolean }): Promise<void> {
  const { examine } = await import('../run/doctor.js')
  const findings = await examine(out)
  const text = json ? JSON.stringify(findings) : findings.map(formatted).join('\n')
  process.stdout.write(`${text}\n`)
  const needed = findings.filter(({ name }) => name === 'cpu' || name === device)
  if (!needed.every(({ ok }) => ok)) process.exitCode = EXIT.device
}

function formatted({ name, ok, found, hint }: Finding): string {
  return `${ok ? 'ok ' : 'no '} ${name.padEnd(12)} ${found}${hint === undefined ? '' : `\n    hint: ${hint}`}`
}
