#!/usr/bin/env bash
# Keras 3.15.1, keras.layers.CutMix (JAX backend, CPU): the label is not the share of the pixels.
#
# Expected: a picture that is a% of its own and b% of its partner's pixels has the label a%, b%, as in the CutMix paper
# (arXiv 1905.04899) and in torchvision's and timm's CutMix, which recompute lambda from the box after rounding it.
# Seen: the corners of the box are kept as fractions of a pixel. The mask rounds them, the label does not. At 32 x 32 the
# label is off by more than two points in about a quarter of the pictures, and by six points at worst.
#
# Prints the largest and the mean deviation; fails if the label has become the share.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check keras==3.15.1 jax==0.10.2 numpy==2.4.6
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PY'
import keras
import numpy as np

BATCH, SIDE = 8, 32
grey = 10.0 * np.arange(BATCH) + 5
pictures = np.broadcast_to(grey[:, None, None, None], (BATCH, SIDE, SIDE, 3)).astype("float32")
deviations = []
for seed in range(12):
    mixed = keras.layers.CutMix(factor=(0.0, 1.0), seed=seed)(
        {"images": pictures, "labels": np.eye(BATCH, dtype="float32")}, training=True
    )
    red = np.asarray(mixed["images"])[..., 0]
    share = np.stack([(red == level).mean(axis=(1, 2)) for level in grey], axis=1)
    assert np.allclose(share.sum(1), 1), "every pixel is one of the eight pictures"
    deviations.append(np.abs(share - np.asarray(mixed["labels"])).max(axis=1))
worst = np.concatenate(deviations)
print(f"keras {keras.__version__}: label minus share of pixels: at most {worst.max():.3f}, mean {worst.mean():.3f}, "
      f"above 0.02 in {(worst > 0.02).sum()} of {worst.size} pictures")
assert worst.max() > 0.03, "the label is the share of the pixels now"
PY
