import type { Reporter, TestModule } from 'vitest/node'

/** Lists at the end what was skipped for want of something, and of what. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const { children, relativeModuleId: file } of modules) {
      for (const test of children.allTests('skipped')) {
        const result = test.result()
        if (result.state !== 'skipped' || result.note === undefined) continue
        process.stdout.write(`skipped: ${file}: ${test.fullName}: ${result.note}\n`)
      }
    }
  }
}
