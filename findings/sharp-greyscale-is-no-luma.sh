#!/usr/bin/env bash
# sharp 0.35.5: .greyscale() is not the grey that Pillow and torchvision train on.
#
# Expected: the luma of ITU-R 601 (red 76, green 150, blue 29), as Pillow 13.0.0's convert("L"), torchvision's Grayscale
# and OpenCV give, or at least that of 709 (54, 182, 18).
# Seen: the luminance, computed in linear light and encoded as sRGB again: red 127, green 220, blue 76. A classifier of grey
# pictures that was trained in Python and is fed by sharp sees saturated colours up to 70 levels brighter. Way out: take
# RGB and apply .recomb([[.299, .587, .114], ...]), or weigh the channels yourself.
#
# Prints the grey of the three primaries; fails if sharp gives either luma.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund sharp@0.35.5
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pillow==13.0.0
venv/bin/python - <<'PY'
from PIL import Image

primaries = Image.new("RGB", (3, 1))
for x, colour in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255))):
    primaries.putpixel((x, 0), colour)
primaries.save("primaries.png")
grey = primaries.convert("L")
print("pillow: red, green, blue are", [grey.getpixel((x, 0)) for x in range(3)])
PY
node --input-type=module - <<'JS'
import sharp from 'sharp'

const grey = [...(await sharp('primaries.png').greyscale().raw().toBuffer())]
console.log(`sharp ${sharp.versions.sharp}: red, green, blue are`, grey)
const near = (luma) => luma.every((level, i) => Math.abs(level - grey[i]) <= 2)
if (near([76, 150, 29]) || near([54, 182, 18])) throw new Error('it is a luma now')
JS
