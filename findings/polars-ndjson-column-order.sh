#!/usr/bin/env bash
# Polars 2.1.0, read_ndjson and scan_ndjson: from 33 columns on, the columns come in another order than in the file.
#
# Expected: columns in the order in which the lines name them, as in pandas' read_json(lines=True), in PyArrow's read_json and
# in Polars itself up to 32 columns. A table of soft labels is one column per class, and the usual next step takes weights by
# place: `table[:, 1:].to_numpy()`, with class k in column k.
# Seen: with 32 columns the order is the file's, with 33 (32 classes and the file's name) or more it is a fixed shuffle. No
# warning; every row still sums to 1, but the weights belong to other classes, and the first column may be a class.
#
# Prints the first columns of each reader; fails if 33 columns come in order, or 32 do not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import json

import pandas
import polars
import pyarrow.json

for count in (32, 33, 101):
    names = ["file_name", *(f"class {k}" for k in range(count - 1))]
    with open("labels.jsonl", "w", encoding="utf-8") as lines:
        for row in range(3):
            cells = {name: float(k == row) for k, name in enumerate(names[1:])}
            print(json.dumps({"file_name": f"{row}.jpg", **cells}), file=lines)
    read = {
        "pandas": list(pandas.read_json("labels.jsonl", lines=True).columns),
        "pyarrow": pyarrow.json.read_json("labels.jsonl").column_names,
        "polars read_ndjson": polars.read_ndjson("labels.jsonl").columns,
        "polars scan_ndjson": polars.scan_ndjson("labels.jsonl").collect().columns,
    }
    for reader, columns in read.items():
        assert sorted(columns) == sorted(names)
        print(f"{count} columns, {reader}: in order: {columns == names}; first: {columns[:4]}")
    assert read["pandas"] == read["pyarrow"] == names
    for reader in ("polars read_ndjson", "polars scan_ndjson"):
        assert (read[reader] == names) == (count <= 32), f"changed: {reader} with {count} columns"
PY
