import type { Reporter, TestModule } from 'vitest/node'

/** Lists at the end what was skipped, and why. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      for (const { fullName, result } of [...module.children.allTests('skipped')].map((test) => ({
        fullName: test.fullName,
        result: test.result(),
      }))) {
        const note = result.state === 'skipped' ? result.note : undefined
        process.stdout.write(`skipped: ${module.relativeModuleId}: ${fullName}: ${note ?? 'by name'}\n`)
      }
    }
  }
}
