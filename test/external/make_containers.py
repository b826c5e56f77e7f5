"""Writes small data sets in the forms that other tools give them, with what is in them, into a folder.

    python test/external/make_containers.py fixtures/containers

Needs datasets, pyarrow, pandas, polars, duckdb, webdataset, numpy and Pillow. Every picture is a PNG of 8 x 6 pixels in plain
colours, so that what a reader makes of it can be compared exactly: expected.json has, for each picture by its name, the
SHA-256 of its RGB pixels as Pillow reads them, and its label.
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import struct
import sys
import tarfile
import zipfile

import numpy as np
from PIL import Image

CLASSES = ["cat", "dog", "emu"]
out = sys.argv[1]
random = np.random.default_rng(7)
expected = {}


def place(name):
    path = os.path.join(out, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def pixels(width=8, height=6, channels=3):
    return random.integers(0, 256, (height, width, channels), dtype=np.uint8)


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array.squeeze()).save(buffer, "PNG")
    return buffer.getvalue()


def note(name, array, label):
    rgb = np.asarray(Image.fromarray(array.squeeze()).convert("RGB"))
    expected[name] = {"pixels": hashlib.sha256(rgb.tobytes()).hexdigest(), "label": label}


def pictures(count, name_of, label_of=lambda i: CLASSES[i % 3]):
    made = []
    for i in range(count):
        array = pixels()
        note(name_of(i), array, label_of(i))
        made.append((png(array), i % 3))
    return made


def hugging_face():
    import datasets

    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)})
    for split, parts in (("train", 2), ("test", 1)):
        for part in range(parts):
            file = f"hugging-face/data/{split}-{part:05d}-of-{parts:05d}.parquet"
            rows = pictures(7, lambda i: f"{file}#{i}")
            columns = {"image": [{"bytes": b, "path": f"{i}.png"} for i, (b, _) in enumerate(rows)]}
            columns["label"] = [label for _, label in rows]
            datasets.Dataset.from_dict(columns, features=features).to_parquet(place(file))


def other_parquet():
    import duckdb
    import pandas
    import polars
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = "parquet/pandas.parquet"
    rows = pictures(8, lambda i: f"{file}#{i}")
    pandas.DataFrame({"image": [b for b, _ in rows], "label": [CLASSES[k] for _, k in rows]}).to_parquet(place(file))
    for codec in ("zstd", "gzip", "lz4", "brotli", "none"):
        file = f"parquet/pyarrow-{codec}.parquet"
        rows = pictures(8, lambda i: f"{file}#{i}")
        table = pa.table({"name": [str(i) for i in range(8)], "image": [b for b, _ in rows], "label": [CLASSES[k] for _, k in rows]})
        how = {"data_page_version": "2.0", "write_page_index": True} if codec == "zstd" else {}
        pq.write_table(table, place(file), compression=codec, row_group_size=3, data_page_size=512, write_batch_size=2, **how)
    file = "parquet/polars.parquet"
    rows = pictures(8, lambda i: f"{file}#{i}")
    polars.DataFrame({"image": [b for b, _ in rows], "label": [CLASSES[k] for _, k in rows]}).write_parquet(place(file))
    file = "parquet/duckdb.parquet"
    rows = pictures(8, lambda i: f"{file}#{i}")
    frame = pa.table({"image": [b for b, _ in rows], "label": [CLASSES[k] for _, k in rows]})
    duckdb.connect().execute("copy frame to '%s' (format parquet)" % place(file)) if frame else None

    file = "parquet/soft.parquet"
    weights = [[0.75, 0.25, 0.0], [0.0, 1.0, 0.0], [0.5, 0.25, 0.25], [0.125, 0.0, 0.875]]
    rows = pictures(4, lambda i: f"{file}#{i}", lambda i: weights[i])
    names = {"info": {"features": {"label": {"_type": "ClassLabel", "names": CLASSES}}}}
    table = pa.table({"image": [{"bytes": b, "path": None} for b, _ in rows], "label": [int(np.argmax(w)) for w in weights], "soft_label": weights})
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(names)}), place(file))

    file = "paths/train.parquet"
    rows = pictures(6, lambda i: f"paths/images/{i}.png")
    for i, (b, _) in enumerate(rows):
        open(place(f"paths/images/{i}.png"), "wb").write(b)
    table = pa.table({"file_name": [f"images/{i}.png" for i in range(6)], "label": [CLASSES[k] for _, k in rows]})
    pq.write_table(table, place(file))


def webdataset():
    import webdataset as wds

    for split, shards in (("train", 2), ("val", 1)):
        rows = iter(pictures(6 * shards, lambda i: f"webdataset/pets-{split}-{i // 6:06d}.tar#{i:04d}.png", lambda i: str(i % 3)))
        with wds.ShardWriter(place(f"webdataset/pets-{split}-%06d.tar"), maxcount=6, verbose=0) as sink:
            for i, (b, label) in enumerate(rows):
                sink.write({"__key__": f"{i:04d}", "png": b, "cls": label})
    for ending, label in (("json", lambda k: {"label": CLASSES[k], "n": 1}), ("txt", lambda k: CLASSES[k])):
        file = f"webdataset-{ending}/{ending}.tar"
        rows = pictures(6, lambda i: f"{file}#a/{i}.png")
        with wds.TarWriter(place(file)) as sink:
            for i, (b, k) in enumerate(rows):
                sink.write({"__key__": f"a/{i}", "png": b, ending: label(k)})


def archives():
    file = "zip/pets.zip"
    rows = pictures(9, lambda i: f"{file}#pets/{CLASSES[i % 3]}/{i}.png")
    with zipfile.ZipFile(place(file), "w", zipfile.ZIP_DEFLATED) as archive:
        for i, (b, k) in enumerate(rows):
            archive.writestr(f"pets/{CLASSES[k]}/{i}.png", b)
    file = "zip-table/pets.zip"
    rows = pictures(6, lambda i: f"{file}#images/{i}.png")
    with zipfile.ZipFile(place(file), "w") as archive:
        archive.writestr("labels.csv", "file_name,label\n" + "".join(f"images/{i}.png,{CLASSES[k]}\n" for i, (_, k) in enumerate(rows)))
        for i, (b, _) in enumerate(rows):
            archive.writestr(f"images/{i}.png", b)
    for file, mode in (("tar/pets.tar", "w"), ("tar-gz/pets.tar.gz", "w:gz")):
        rows = pictures(9, lambda i: f"{file}#{CLASSES[i % 3]}/{i}.png")
        with tarfile.open(place(file), mode) as archive:
            for i, (b, k) in enumerate(rows):
                member = tarfile.TarInfo(f"./{CLASSES[k]}/{i}.png")
                member.size = len(b)
                archive.addfile(member, io.BytesIO(b))


def cifar():
    def rows(count, name_of, classes, coarse):
        content = b""
        for i in range(count):
            array = pixels(32, 32)
            label = i % classes
            note(name_of(i), array, label_of(label))
            content += bytes([*([label // 5] if coarse else []), label]) + array.transpose(2, 0, 1).tobytes()
        return content

    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    label_of = names.__getitem__
    folder = "cifar-10/cifar-10-batches-bin"
    packed = "cifar-10-packed/cifar-10-binary.tar.gz"
    meta = ("\n".join(names) + "\n\n").encode()
    open(place(f"{folder}/batches.meta.txt"), "wb").write(meta)
    for name in ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"):
        open(place(f"{folder}/{name}"), "wb").write(rows(2, lambda i: f"{folder}/{name}#{i}", 10, False))
    with tarfile.open(place(packed), "w:gz") as archive:
        inner = "cifar-10-batches-bin/data_batch_1.bin"
        for name, content in (("cifar-10-batches-bin/batches.meta.txt", meta), (inner, rows(2, lambda i: f"{packed}#{inner}/{i}", 10, False))):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    label_of = lambda k: f"fine {k}"
    open(place("cifar-100/fine_label_names.txt"), "w").write("".join(f"fine {k}\n" for k in range(100)))
    open(place("cifar-100/train.bin"), "wb").write(rows(2, lambda i: f"cifar-100/train.bin#{i}", 100, True))


def mnist():
    for split, count in (("train", 8), ("t10k", 4)):
        file = f"mnist/{split}-images-idx3-ubyte.gz"
        arrays = [pixels(28, 28, 1) for _ in range(count)]
        for i, array in enumerate(arrays):
            note(f"{file}#{i}", array, str(i % 4))
        images = struct.pack(">IIII", 2051, count, 28, 28) + b"".join(array.tobytes() for array in arrays)
        labels = struct.pack(">II", 2049, count) + bytes(i % 4 for i in range(count))
        with gzip.open(place(file), "wb") as file:
            file.write(images)
        with gzip.open(place(f"mnist/{split}-labels-idx1-ubyte.gz"), "wb") as file:
            file.write(labels)


def medmnist():
    for name, channels, save in (("medmnist/path.npz", 3, np.savez_compressed), ("medmnist-grey/grey.npz", 1, np.savez)):
        arrays = {}
        for split, count in (("train", 6), ("val", 3), ("test", 3)):
            made = [pixels(28, 28, channels) for _ in range(count)]
            arrays[f"{split}_images"] = np.stack(made).squeeze(-1) if channels == 1 else np.stack(made)
            arrays[f"{split}_labels"] = np.array([[i % 3] for i in range(count)], dtype=np.uint8)
            for i, array in enumerate(made):
                note(f"{name}#{split}_images/{i}", array, str(i % 3))
        save(place(name), **arrays)


if __name__ == "__main__":
    shutil.rmtree(out, ignore_errors=True)
    for make in (hugging_face, other_parquet, webdataset, archives, cifar, mnist, medmnist):
        make()
    json.dump(expected, open(place("expected.json"), "w"), indent=1)
