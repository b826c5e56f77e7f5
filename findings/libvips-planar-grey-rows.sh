#!/usr/bin/env bash
# sharp 0.35.5 (libvips 8.18.7): of a grey TIFF with a second band in a plane of its own only the upper half is read, twice.
#
# Expected: PlanarConfiguration 2 (TIFF 6.0, page 38) gives the same picture as the interleaved form, as it does for RGB and
# CMYK, with any number of rows a strip.
# Seen: with two or more rows a strip, every row begins half a row after the one before: the upper half of the picture fills
# all of it, and odd rows are shifted by half the width. Nothing is said. Ways out: one row a strip, interleaved bands, or a
# file for each plane.
#
# Prints the first column of both forms; fails if they agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tifffile==2025.5.10 numpy
venv/bin/python - <<'PY'
import numpy, tifffile
grey = numpy.tile(numpy.arange(8, dtype='uint8')[:, None] * 10, (1, 6))
opacity = grey + 100
for form, axis in (('contig', -1), ('separate', 0)):
    bands = numpy.stack([grey, opacity], axis)
    tifffile.imwrite(f'{form}.tif', bands, photometric='minisblack', planarconfig=form, extrasamples=['unassalpha'])
assert (tifffile.imread('separate.tif')[0] == grey).all()
PY
npm init -y >/dev/null
npm install --silent --no-audit --no-fund sharp@0.35.5
cat > run.mjs <<'JS'
import sharp from 'sharp'

const column = async (file) => {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true })
  return Array.from({ length: info.height }, (_, y) => data[y * info.width * info.channels])
}
const [together, apart] = [await column('contig.tif'), await column('separate.tif')]
console.log(`interleaved: ${together.join(' ')}; in planes: ${apart.join(' ')}`)
if (together.join() === apart.join()) throw new Error('both forms are read alike now')
JS
node run.mjs
