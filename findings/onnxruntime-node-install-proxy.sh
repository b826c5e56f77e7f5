#!/usr/bin/env bash
# onnxruntime-node 1.30.0, npm 11.19.1, Linux x64: behind a proxy the package installs, its CUDA provider does not.
#
# Expected: the install script, which fetches the CUDA provider from NuGet, goes through the proxy that HTTPS_PROXY or npm's
# own `https-proxy` names, as npm does for the package itself, curl, pip and the scripts of other packages.
# Seen: it listens to GLOBAL_AGENT_HTTPS_PROXY alone. With HTTPS_PROXY and npm_config_https_proxy set it asks NuGet directly,
# which fails on a machine that only has the proxy, and with it `npm install`, also for somebody who wants the CPU only.
#
# A proxy on this machine notes which hosts it is asked for and refuses them all; fails if NuGet becomes one of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --ignore-scripts --no-audit --no-fund onnxruntime-node@1.30.0
cat >proxy.mjs <<'JS'
/** Runs the install script with the given variables that name this proxy; prints the hosts that the proxy was asked for. */
import { spawn } from 'node:child_process'
import http from 'node:http'

const asked = new Set()
const proxy = http.createServer((_, response) => response.writeHead(502).end())
proxy.on('connect', (request, socket) => {
  asked.add(request.url)
  socket.on('error', () => {})
  socket.end('HTTP/1.1 502 Refused\r\n\r\n')
})
await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${proxy.address().port}`
const env = { PATH: process.env.PATH, ONNXRUNTIME_NODE_INSTALL: 'cuda12' }
for (const name of process.argv.slice(2)) env[name] = url
const child = spawn(process.execPath, ['node_modules/onnxruntime-node/script/install.js'], { env, stdio: 'ignore', timeout: 30_000 })
const script = new Promise((resolve) => child.on('close', resolve))
const contact = new Promise((resolve) => proxy.once('connect', resolve))
await Promise.race([script, contact])
child.kill()
console.log([...asked].join(' ') || 'nothing')
process.exit()
JS
usual=$(node proxy.mjs HTTPS_PROXY https_proxy npm_config_https_proxy npm_config_proxy)
own=$(node proxy.mjs GLOBAL_AGENT_HTTPS_PROXY)
printf 'onnxruntime-node %s: the proxy of HTTPS_PROXY is asked for %s, that of GLOBAL_AGENT_HTTPS_PROXY for %s\n' \
  "$(node -p "require('onnxruntime-node/package.json').version")" "$usual" "$own"
[ "$usual" = nothing ] && [ "$own" = api.nuget.org:443 ]
