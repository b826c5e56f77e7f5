#!/usr/bin/env bash
# onnx 1.23.2 and onnxruntime 1.30.0: Resize with antialias = 1 is Pillow's only inside the picture.
#
# Expected: `Resize(mode="linear" or "cubic" with cubic_coeff_a=-0.5, antialias=1, "half_pixel")` shrinks a picture as
# Pillow's BILINEAR and BICUBIC do, so that a preprocessing graph sees what the trainer saw.
# Seen: equal to 1e-4 inside, but along the four edges up to ten grey levels off, in onnxruntime and in onnx's own reference
# alike: by default (exclude_outside = 0) the weights that fall outside are given to the repeated edge pixel, where Pillow
# (and torch's interpolate with antialias) leaves them out. With exclude_outside = 1 all pixels agree.
#
# Prints the differences; fails if the default agrees with Pillow at the edges, or exclude_outside = 1 does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==1.30.0 onnx==1.23.2 numpy==2.4.6 pillow==13.0.0
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from PIL import Image

SIDE = 32
picture = np.random.default_rng(0).integers(0, 256, (96, 96)).astype("float32")


def model(**attributes):
    node = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], antialias=1, **attributes)
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    sizes = helper.make_tensor("sizes", TensorProto.INT64, [4], [1, 1, SIDE, SIDE])
    graph = helper.make_graph([node], "g", info[:1], info[1:], [sizes])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


for mode, filter in (("linear", Image.BILINEAR), ("cubic", Image.BICUBIC)):
    pillow = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), filter))
    for outside in (0, 1):
        made = model(mode=mode, cubic_coeff_a=-0.5, exclude_outside=outside)
        feeds = {"x": picture[None, None]}
        found = onnxruntime.InferenceSession(made.SerializeToString()).run(None, feeds)[0][0, 0]
        reference = ReferenceEvaluator(made).run(None, feeds)[0][0, 0]
        difference = np.abs(found - pillow)
        inside = difference[3:-3, 3:-3].max()
        print(f"{mode}, exclude_outside {outside}: from Pillow at most {difference.max():.4f} grey levels, "
              f"inside {inside:.4f}, from onnx's reference {np.abs(found - reference).max():.4f}")
        assert inside < 1e-3
        assert (difference.max() > 1) == (outside == 0), "the edges have changed"
PY
