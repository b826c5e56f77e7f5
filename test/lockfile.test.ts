import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

test('npm ci runs no install script: the one of onnxruntime-node fails where only npm is reachable', () => {
  const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'))
  const packages = Object.entries(lock.packages as Record<string, { hasInstallScript?: boolean }>)
  const running = packages.filter(([name, { hasInstallScript }]) => hasInstallScript && name !== '')
  expect(running.map(([name]) => name)).toEqual([])
  expect(lock.packages['node_modules/onnxruntime-node']).toBeDefined()
})
