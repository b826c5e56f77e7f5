#!/usr/bin/env bash
# Polars 2.1.0: a class name with quotes in it comes out of the header of a CSV with the quotes doubled.
#
# Expected: a CSV of soft labels whose header has the class 12" LP, written as "12"" LP" (RFC 4180), is read with the class
# 12" LP, as pandas 3.1.1, PyArrow 26.0.1 and Python's csv do. In the rows Polars reads such cells so.
# Seen: the column is called 12"" LP, so table[classes] with the class list of the data set fails, or a table that is
# written and read again gains quotes each time. Parquet keeps the name. Way out: read_csv(..., new_columns=names).
#
# Prints what each sees; fails if Polars reads the header as the others.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import csv

import pandas
import polars
import pyarrow.csv

names = ["file_name", '12" LP', '7" single', 'note']
with open("labels.csv", "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerow(["a.jpg", 0.25, 0.75, 'a 12" LP'])
with open("labels.csv", newline="") as file:
    assert next(csv.reader(file)) == names
print("header as written:", open("labels.csv").readline().strip())
found = polars.read_csv("labels.csv")
print(f"polars {polars.__version__}:", found.columns, "cell:", found[0, 3])
for reader, columns in (("pandas", list(pandas.read_csv("labels.csv").columns)),
                        ("pyarrow", pyarrow.csv.read_csv("labels.csv").column_names)):
    print(f"{reader}:", columns)
    assert columns == names
found.write_csv("again.csv")
again = polars.read_csv("again.csv").columns
print("polars, its own file read again:", again)
assert found[0, 3] == 'a 12" LP'
assert found.columns[1] == '12"" LP' and again[1] == '12"""" LP', "Polars reads the header as the others now"
PY
