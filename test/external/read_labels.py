#!/usr/bin/env python3
"""Whether class names and weights survive: writes outputs with awkward class names and reads their labels back.

    python3 -m venv venv && venv/bin/pip install pandas polars pyarrow duckdb datasets numpy pillow
    npm run build && venv/bin/python test/external/read_labels.py

Each set of names becomes an output of mixes and originals with labels.csv, labels.jsonl, labels.parquet and metadata.jsonl.
Python's csv and json modules say what is in them; pandas, Polars, PyArrow, DuckDB and Datasets must read the same names
and the same weights to the last bit, in the way docs/loading.md names; sage-augment must read each file of labels as the
same classes and, to 1e-12, the same weights. Prints a line a reader and exits 1 where any differs.
"""
import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import datasets
import duckdb
import numpy as np
import pandas
import polars
import pyarrow.csv
import pyarrow.parquet
from PIL import Image

CLI = ['node', str(Path(__file__).resolve().parents[2] / 'bin/sage-augment.js')]

NAMES = {
    'signs': ['-1', '0', '+1'],
    'formulas': ['=x', '@a', '-', '+', '=HYPERLINK("x")', '--', '=1+1', '-a b'],
    'separators': ['a,b', 'a;b', 'a|b', 'a"b', '"q"', "'x", "it's", '""', ',', ';', 'a:b', '\\', '\\n', 'a\\"b', '#', '# x'],
    'missing': ['NA', 'NaN', 'nan', 'null', 'NULL', 'None', 'N/A', 'n/a', '#N/A', '-inf', 'True', 'false', '.', '0 '.strip()],
    'numbers': [str(k) for k in range(10)],
    'decimals': ['1.0', '1e5', '007', '-0', '0x1A', '1_0', '12:30', '2020-01-01', 'inf'],
    'columns': ['label', 'class', 'target', 'id', 'image', 'path', 'filename', 'soft_label', 'lambda', 'x_file_name',
                'index', 'Unnamed: 0', 'column0', 'text', 'splits', '__index_level_0__', 'rowid'],
    'one': ['label'],
    'one word': ['cat'],
    'two': ['cat', 'target'],
    'scripts': ['é', '日本', '😀', 'عربى', 'a b', 'a\u00a0b', 'a\u200bb', '\u200bx', '%s', '$x', '{a}', '[b]', '<i>', '`t`'],
    'letters': ['a', 'B', 'b', 'A', 'ß', 'SS'],
}


def pictures(folder, names):
    """Two pictures a class and one that is half of the last and half of the first, with a table of JSON lines."""
    rows = []
    for k, name in enumerate(names):
        rows += [{'file_name': f'{k}-{i}.png', 'soft_label': {name: 1}} for i in range(2)]
    rows.append({'file_name': 'both.png', 'soft_label': {names[-1]: 0.7, names[0]: 0.3} if len(names) > 1 else {names[0]: 1}})
    folder.mkdir()
    for k, row in enumerate(rows):
        Image.fromarray(np.full((8, 8, 3), k * 5 % 256, 'uint8')).save(folder / row['file_name'])
    (folder / 'metadata.jsonl').write_text(''.join(f'{json.dumps(row)}\n' for row in rows), encoding='utf-8')


def augment(images, out, *options):
    command = [*CLI, str(images), '--method', 'mixup', '--include-originals', '--size', '8x8', '--quiet', '--out', str(out)]
    done = subprocess.run([*command, *map(str, options)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def truth(out):
    """Names and weights by the standard library alone; the files of an output must agree in them."""
    names = (out / 'classes.txt').read_text(encoding='utf-8').splitlines()
    rows = [json.loads(line) for line in (out / 'metadata.jsonl').read_text(encoding='utf-8').splitlines()]
    weights = np.array([row['soft_label'] for row in rows])
    with open(out / 'labels.csv', newline='', encoding='utf-8') as text:
        header, *cells = csv.reader(text)
    assert header == ['file_name', *names], header
    assert np.array_equal(np.array([row[1:] for row in cells], float), weights)
    return names, weights


def frame(table):
    return list(table.columns)[1:], table.iloc[:, 1:].to_numpy(float)


def arrow(table):
    return table.column_names[1:], np.column_stack([table.column(i).to_numpy() for i in range(1, table.num_columns)])


def by_duckdb(query):
    relation = duckdb.sql(query)
    return relation.columns[1:], np.array([row[1:] for row in relation.fetchall()], float)


def by_polars(table):
    return table.columns[1:], table[:, 1:].to_numpy()


def by_datasets(kind, file, **options):
    with tempfile.TemporaryDirectory() as cache:
        table = datasets.load_dataset(kind, data_files=str(file), split='train', cache_dir=cache, **options)
        return table.column_names[1:], np.column_stack([np.array(table[name]) for name in table.column_names[1:]])


READERS = {
    'pandas csv': lambda out: frame(pandas.read_csv(out / 'labels.csv', keep_default_na=False)),
    'pandas jsonl': lambda out: frame(pandas.DataFrame(map(json.loads, open(out / 'labels.jsonl', encoding='utf-8')))),
    'pandas parquet': lambda out: frame(pandas.read_parquet(out / 'labels.parquet')),
    'polars csv': lambda out: by_polars(polars.read_csv(out / 'labels.csv')),
    'polars parquet': lambda out: by_polars(polars.read_parquet(out / 'labels.parquet')),
    'pyarrow csv': lambda out: arrow(pyarrow.csv.read_csv(out / 'labels.csv')),
    'pyarrow parquet': lambda out: arrow(pyarrow.parquet.read_table(out / 'labels.parquet')),
    'duckdb csv': lambda out: by_duckdb(f"from read_csv('{out}/labels.csv', header = true, delim = ',', quote = '\"')"),
    'duckdb parquet': lambda out: by_duckdb(f"from '{out}/labels.parquet'"),
    'datasets csv': lambda out: by_datasets('csv', out / 'labels.csv', keep_default_na=False),
    'datasets parquet': lambda out: by_datasets('parquet', out / 'labels.parquet'),
}

#: What is known to differ: Polars leaves quotes in a CSV header doubled; DuckDB takes names that differ in capital letters
#: alone for the same and numbers the later ones.
KNOWN = {
    'polars csv': lambda found, name: found == name.replace('"', '""'),
    'duckdb csv': lambda found, name: found == f'{name}_1',
    'duckdb parquet': lambda found, name: found == f'{name}_1',
}


def main():
    right, wrong, excused = Counter(), [], {}
    with tempfile.TemporaryDirectory() as folder:
        for title, names in NAMES.items():
            base = Path(folder) / title
            base.mkdir()
            pictures(base / 'in', names)
            augment(base / 'in', base / 'out', '--labels-format', 'jsonl')
            augment(base / 'in', base / 'parquet', '--labels-format', 'parquet')
            (base / 'parquet/labels.parquet').rename(base / 'out/labels.parquet')
            expected, weights = truth(base / 'out')
            assert sorted(expected) == sorted(names), (expected, names)

            def compare(reader, found, values, tolerance=0.0):
                known = [name for other, name in zip(found, expected) if other != name and KNOWN.get(reader, str.__eq__)(other, name)]
                excused.setdefault(reader, []).extend(known)
                if [name for other, name in zip(found, expected) if other != name] != known or len(found) != len(expected):
                    wrong.append(f'{reader}, {title}: names {list(found)}, expected {expected}')
                elif values.shape != weights.shape or np.abs(values - weights).max() > tolerance:
                    wrong.append(f'{reader}, {title}: other weights')
                else:
                    right[reader] += 1

            for reader, read in READERS.items():
                try:
                    compare(reader, *read(base / 'out'))
                except Exception as error:
                    wrong.append(f'{reader}, {title}: {type(error).__name__}: {str(error).splitlines()[0]}')
            for file in ('labels.csv', 'labels.jsonl', 'metadata.jsonl'):
                # Originals come last, sorted by name as the rows of the first output are.
                try:
                    augment(base / 'out', base / f'again-{file}', '--labels', base / 'out' / file)
                    found, values = truth(base / f'again-{file}')
                    compare(f'sage-augment {file}', found, values[-len(weights):], 1e-12)
                except RuntimeError as error:
                    wrong.append(f'sage-augment {file}, {title}: {str(error).splitlines()[0]}')
    for reader, count in right.items():
        known = f', other names for {" ".join(excused[reader])}' if excused[reader] else ''
        print(f'{reader}: {count} of {len(NAMES)} sets of names{known}')
    print(f'{sum(map(len, NAMES.values()))} names; pandas {pandas.__version__}, polars {polars.__version__}, pyarrow '
          f'{pyarrow.__version__}, duckdb {duckdb.__version__}, datasets {datasets.__version__}')
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
