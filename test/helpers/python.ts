import { execFileSync } from 'node:child_process'

/** A Python that has the modules (`torch, pandas`), or undefined; $PYTHON comes first. */
export function pythonWith(modules: string): string | undefined {
  return [process.env.PYTHON, 'python3', '/usr/bin/python3'].find((python) => {
    try {
      execFileSync(python ?? '', ['-c', `import ${modules}`], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}
