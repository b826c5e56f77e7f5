#!/usr/bin/env bash
# sharp 0.35.5: 16-bit RGB with a colour profile comes out in Display P3 when it is asked for as sRGB.
#
# Expected: toColourspace('srgb').raw() gives sRGB samples, for 16-bit pictures as for 8-bit ones: a picture whose profile is
# sRGB keeps its values.
# Seen: the picture is brought to Display P3, in which sharp works at 16 bits, and never from there to sRGB; the samples are
# called srgb. Pure red (255, 0, 0) becomes (234, 51, 34). Ways out: pipelineColourspace('srgb'), or ignoreIcc.
#
# Prints red of 8 and of 16 bits with an sRGB profile; fails if both come out alike.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund sharp@0.35.5
cat > run.mjs <<'JS'
import sharp from 'sharp'

const red = (samples, high) => samples.fill(0).map((_, i) => (i % 3 === 0 ? high : 0))
const raw = { width: 8, height: 8, channels: 3 }
const eight = await sharp(red(new Uint8Array(192), 255), { raw }).withIccProfile('srgb').png().toBuffer()
// The same as 16 bits, as a TIFF with the profile that sharp wrote.
const deep = await sharp(red(new Uint16Array(192), 65535), { raw }).toColourspace('rgb16').png().toBuffer()
const { icc } = await sharp(eight).metadata()
const withProfile = await embed(deep, icc)

/** A PNG with an iCCP chunk after its header. */
async function embed(png, profile) {
  const { deflateSync, crc32 } = await import('node:zlib')
  const body = Buffer.concat([Buffer.from('iCCPsRGB\0\0', 'latin1'), deflateSync(profile)])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(body.length - 4)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([png.subarray(0, 33), length, body, sum, png.subarray(33)])
}

const pixel = async (bytes) => [...(await sharp(bytes).toColourspace('srgb').raw().toBuffer()).subarray(0, 3)]
const { depth, space, hasProfile } = await sharp(withProfile).metadata()
const [a, b] = [await pixel(eight), await pixel(withProfile)]
console.log(`8 bits: ${a}; ${space}, ${depth}, profile ${hasProfile}: ${b}`)
if (Math.abs(a[1] - b[1]) < 5) throw new Error('16 bits come out in sRGB now')
JS
node run.mjs
