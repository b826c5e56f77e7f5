#!/usr/bin/env bash
# DuckDB 2.0.1: a label table whose classes are numbers loses its header to the data, without a word.
#
# Expected: a CSV of soft labels, `file_name,0,1,2` and rows of one file name and three weights, is read with the names of
# its header, as pandas 3.1.1 and Polars 2.1.0 do: three classes "0", "1", "2" (the digits of MNIST or SVHN, say).
# Seen: every cell of the header could be a value of its column, so read_csv takes the header for a row. The columns are
# column0 to column3, and there is one picture more, "file_name", whose weights are 0, 1 and 2. With one class that is a word the
# header is found. Way out: read_csv(..., header = true).
#
# Prints what the three see; fails if DuckDB finds the header.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1 pandas==3.1.1 polars==2.1.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import duckdb
import pandas
import polars

rows = [f"images/00000/{i:09d}.jpg,0.25,0.5,0.25" for i in range(50)]
names = ["file_name", "0", "1", "2"]
with open("labels.csv", "w") as file:
    file.write("\n".join([",".join(names), *rows]) + "\n")
found = duckdb.sql("select * from read_csv('labels.csv')")
count = len(found.fetchall())
print(f"duckdb {duckdb.__version__}: {count} rows, columns {found.columns}, first row {found.limit(1).fetchall()[0]}")
asked = duckdb.sql("select * from read_csv('labels.csv', header = true)")
print(f"  with header = true: {len(asked.fetchall())} rows, columns {asked.columns}")
for reader in (pandas, polars):
    table = reader.read_csv("labels.csv")
    print(f"{reader.__name__} {reader.__version__}: {len(table)} rows, columns {list(table.columns)}")
    assert (len(table), list(table.columns)) == (50, names)
assert (len(asked.fetchall()), asked.columns) == (50, names)
assert count == 51 and found.columns[0] == "column0", "DuckDB finds the header now"
PY
