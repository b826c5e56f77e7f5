"""Runs the built program on what make_containers.py wrote, and compares pixels and labels; then on its own outputs.

    python test/external/make_containers.py FOLDER && python test/external/check_containers.py FOLDER

Needs NumPy, Pillow and, for the second part, webdataset. Every input is read with --include-originals into PNGs: each must have
the pixels and the label that its maker put there. Exits 1 if anything differs.
"""

import csv
import glob
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

PROGRAM = os.path.join(os.path.dirname(__file__), "../../bin/sage-augment.js")
folder = os.path.abspath(sys.argv[1])
expected = json.load(open(os.path.join(folder, "expected.json")))

INPUTS = [
    ("hugging-face", [], "hugging-face/data/train-"),
    ("hugging-face", ["--split", "test"], "hugging-face/data/test-"),
    *[(f"parquet/{name}", [], f"parquet/{name}") for name in sorted(os.listdir(f"{folder}/parquet"))],
    ("paths/train.parquet", [], "paths/images/"),
    ("webdataset", [], "webdataset/pets-train-"),
    ("webdataset", ["--split", "val"], "webdataset/pets-val-"),
    ("webdataset/pets-train-{000000..000001}.tar", [], "webdataset/pets-train-"),
    ("webdataset-json", [], "webdataset-json/"),
    ("webdataset-txt", [], "webdataset-txt/"),
    ("zip/pets.zip", [], "zip/"),
    ("zip-table/pets.zip", [], "zip-table/"),
    ("tar", [], "tar/"),
    ("tar-gz", [], "tar-gz/"),
    ("cifar-10", [], "cifar-10/cifar-10-batches-bin/data_batch"),
    ("cifar-10-packed", [], "cifar-10-packed/"),
    ("mnist", [], "mnist/train"),
    ("mnist", ["--split", "test"], "mnist/t10k"),
    ("medmnist", [], "medmnist/path.npz#train"),
    ("medmnist-grey/grey.npz", ["--split", "val"], "medmnist-grey/grey.npz#val"),
]


def augment(given, out, *options):
    command = ["node", PROGRAM, given, "--out", out, "--method", "mixup", "--quiet", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{given}: {done.stderr}"


def check(given, options, prefix, out):
    augment(os.path.join(folder, given), out, "--count", "2", "--include-originals", "--format", "png", *options)
    root = os.path.join(folder, given)
    root = root if os.path.isdir(root) else os.path.dirname(root)
    with open(f"{out}/labels.csv", newline="") as text:
        header, *rows = csv.reader(text)
    labels = {row[0]: dict(zip(header[1:], map(float, row[1:]))) for row in rows}
    seen = set()
    for line in open(f"{out}/provenance.jsonl"):
        row = json.loads(line)
        if row["method"] != "original":
            continue
        name = os.path.relpath(os.path.join(root, row["sources"][0]["file"]), folder)
        pixels = np.asarray(Image.open(f"{out}/{row['file_name']}").convert("RGB")).tobytes()
        assert hashlib.sha256(pixels).hexdigest() == expected[name]["pixels"], f"{name}: other pixels"
        label, found = expected[name]["label"], labels[row["file_name"]]
        same = list(found.values()) == label if isinstance(label, list) else found[label] == 1
        assert same, f"{name}: {found}, not {label}"
        seen.add(name)
    assert seen == {name for name in expected if name.startswith(prefix)}, f"{given}: {len(seen)} pictures"
    return len(seen)


def both_ways(scratch):
    """Shards of the program are read by the library that they are named after, and again by the program."""
    import webdataset

    out = f"{scratch}/made"
    augment(f"{folder}/zip/pets.zip", out, "--count", "12", "--layout", "webdataset")
    shards = sorted(glob.glob(f"{out}/webdataset/*.tar"))
    soft = [json.loads(line)["soft_label"] for line in open(f"{out}/metadata.jsonl")]
    read = [row["json"]["soft_label"] for row in webdataset.WebDataset(shards, shardshuffle=False).decode("pil")]
    assert read == soft, "webdataset reads other labels"
    augment(f"{out}/webdataset", f"{scratch}/again", "--count", "1", "--include-originals")
    with open(f"{scratch}/again/labels.csv", newline="") as text:
        again = [list(map(float, row[1:])) for row in list(csv.reader(text))[2:]]
    assert np.abs(np.array(sorted(again)) - np.array(sorted(soft))).max() < 1e-9, "the program reads other labels"
    return len(soft)


with tempfile.TemporaryDirectory() as scratch:
    for i, (given, options, prefix) in enumerate(INPUTS):
        print(f"{given} {' '.join(options)}: {check(given, options, prefix, f'{scratch}/{i}')} pictures")
    print(f"webdataset, both ways: {both_ways(scratch)} pictures")
