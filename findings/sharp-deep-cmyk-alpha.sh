#!/usr/bin/env bash
# sharp 0.35.5 (libvips 8.18.7): the alpha band of a 16-bit CMYK TIFF is cut off at 255, so that all is opaque.
#
# Expected: 16-bit CMYK with alpha, brought to sRGB, has 8-bit alpha: 32768 of 65535 becomes 128, as for 16-bit RGB and grey.
# Seen: the inks are brought to 8 bits, the alpha band is clipped instead: anything above 255 of 65535 is opaque. A cutout
# whose opacity is 1 % comes out solid. Way out: pipelineColourspace('cmyk').toColourspace('cmyk').raw({ depth: 'ushort' }) has
# the band as it is.
#
# Prints the alpha of half transparent CMYK and RGB; fails if they agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tifffile==2025.5.10 numpy
venv/bin/python - <<'PY'
import numpy, tifffile
for name, bands in (('separated', 5), ('rgb', 4)):
    picture = numpy.full((4, 4, bands), 32768, 'uint16')
    tifffile.imwrite(f'{name}.tif', picture, photometric=name, planarconfig='contig', extrasamples=['unassalpha'])
PY
npm init -y >/dev/null
npm install --silent --no-audit --no-fund sharp@0.35.5
cat > run.mjs <<'JS'
import sharp from 'sharp'

const alpha = async (file) => {
  const { data, info } = await sharp(file).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
  return data[info.channels - 1]
}
const [cmyk, rgb] = [await alpha('separated.tif'), await alpha('rgb.tif')]
console.log(`alpha 32768 of 65535: ${rgb} in RGB, ${cmyk} in CMYK`)
if (cmyk === rgb) throw new Error('the alpha of CMYK is brought to 8 bits now')
JS
node run.mjs
