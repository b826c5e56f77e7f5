/** Loaded before a program (node --import): leaves its seconds of CPU and peak megabytes in the file that $SPENT names. */
import { writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  process.on('exit', () => {
    const { user, system } = process.cpuUsage()
    const peak = process.resourceUsage().maxRSS / 1024
    writeFileSync(process.env.SPENT, JSON.stringify({ cpu: (user + system) / 1e6, peak }))
  })
}
