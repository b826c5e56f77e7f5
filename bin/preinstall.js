/**
 * Runs before the install scripts of npm 10 and 11. The one of onnxruntime-node fetches CUDA libraries from NuGet on Linux x64
 * and fails the whole install where NuGet cannot be reached, in words that do not say what to do. This says it first.
 */
const { existsSync } = require('node:fs')
const https = require('node:https')
const path = require('node:path')

const FEED = 'https://api.nuget.org/v3/index.json'
const PATIENCE_MS = 5000

/** Whether that script will run and ask NuGet without a proxy, as far as can be told from here. */
function asksNuget() {
  const { env } = process
  if (process.platform !== 'linux' || process.arch !== 'x64') return false
  if (env.ONNXRUNTIME_NODE_INSTALL || env.npm_config_onnxruntime_node_install) return false
  // Of all variables for proxies it listens to this one alone.
  if (env.GLOBAL_AGENT_HTTPS_PROXY) return false
  // In a checkout the lock file keeps it from running.
  return !existsSync(path.join(__dirname, '../package-lock.json'))
}

function refuse({ code }) {
  process.stderr.write(
    `sage-augment: onnxruntime-node would now fetch CUDA libraries from api.nuget.org, which cannot be reached (${code})\n` +
      '  hint: set ONNXRUNTIME_NODE_INSTALL=skip in the environment and repeat the command; all but --device cuda works without them\n',
  )
  process.exitCode = 1
}

if (asksNuget()) {
  const request = https.get(FEED, { timeout: PATIENCE_MS, agent: false }, (response) => response.destroy())
  // A slow network is for the script itself to judge.
  request.on('timeout', () => request.destroy())
  request.on('error', (error) => {
    if (['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH'].includes(error.code)) refuse(error)
  })
}
