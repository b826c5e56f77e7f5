#!/usr/bin/env bash
# PyArrow 26.0.1: a column of pictures gets a dictionary of 1024 pictures, however large, whatever its limit says.
#
# Expected: dictionary_pagesize_limit is "the dictionary page size limit per row group", 1 MB by default. Pictures of 25 kB, all of
# them different, leave the dictionary after some forty of them.
# Seen: the limit is looked at once in write_batch_size values (1024), so the dictionary page has 25 MB: a reader that wants one
# picture of the first thousand decodes all of them. pandas.to_parquet writes such files. Way out: use_dictionary=False or a
# list of the other columns, as datasets 5.2.0 does, or a smaller write_batch_size.
#
# Prints the size of the dictionary page in each case; fails if the default keeps to its limit.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import os

import pyarrow
import pyarrow.parquet

PICTURE = 25_000
table = pyarrow.table({"image": [os.urandom(PICTURE) for _ in range(2048)], "label": [i % 3 for i in range(2048)]})


def dictionary(**how):
    pyarrow.parquet.write_table(table, "pictures.parquet", **how)
    column = pyarrow.parquet.ParquetFile("pictures.parquet").metadata.row_group(0).column(0)
    if not column.has_dictionary_page:
        return 0
    return column.data_page_offset - column.dictionary_page_offset


limit = 2**20
found = dictionary()
print(f"pyarrow {pyarrow.__version__}: default: {found} bytes of dictionary, limit {limit}")
print("dictionary_pagesize_limit=65536:", dictionary(dictionary_pagesize_limit=65536), "bytes")
small = dictionary(write_batch_size=16)
print("write_batch_size=16:", small, "bytes")
none = dictionary(use_dictionary=["label"])
print("use_dictionary=['label']:", none, "bytes")
assert none == 0 and small < 2 * limit
assert found > 1000 * PICTURE, "the dictionary keeps to its limit now"
PY
