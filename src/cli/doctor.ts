import { EXIT } from '../core/errors.js'
import { placeProvider } from '../run/cudaFrom.js'
import { examine, type Finding } from '../run/doctor.js'
import type { Invocation } from './invocation.js'

/** `sage-augment doctor`: what the machine has and lacks; exit 5 where the device does not work. */
export async function doctorCommand({ own: { out, device, cudaFrom }, report }: Invocation<'doctor'>): Promise<void> {
  const placed = cudaFrom === undefined ? [] : await placeProvider(cudaFrom)
  for (const file of placed) report.note(`${file}: placed`)
  const findings = await examine(out)
  report.result(findings, findings.map(formatted).join('\n'))
  const needed = findings.filter(({ name }) => name === 'cpu' || name === device)
  if (!needed.every(({ ok }) => ok)) process.exitCode = EXIT.device
}

function formatted({ name, ok, found, hint }: Finding): string {
  return `${ok ? 'ok ' : 'no '} ${name.padEnd(12)} ${found}${hint === undefined ? '' : `\n    hint: ${hint}`}`
}
