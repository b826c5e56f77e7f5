#!/usr/bin/env python3
"""Loads finished datasets with the snippets of Markdown pages, and compares what comes with labels.csv.

    python3 test/external/load_dataset.py docs/loading.md README.md --flat DIR [--class-folders DIR] [--webdataset DIR]

The snippet of each section runs in a folder where ./aug is the dataset of the layout that the section is about. A section
whose library is missing is skipped and said so. Also reads the tar shards with tarfile. Exits 1 if anything differs.
"""
import argparse
import collections
import csv
import json
import os
import re
import sys
import tarfile
import tempfile
import traceback
from pathlib import Path

TOLERANCE = 1e-6


def truth_of(folder):
    """Weights by file name, and the classes."""
    with open(folder / 'labels.csv', newline='', encoding='utf-8') as text:
        header, *rows = csv.reader(text)
    return {row[0]: [float(cell) for cell in row[1:]] for row in rows}, header[1:]


def check_labels(found, expected):
    """Two collections of soft labels are the same, in any order."""
    found, expected = sorted(map(list, found)), sorted(map(list, expected))
    assert len(found) == len(expected), f'{len(found)} labels, not {len(expected)}'
    worst = max(abs(a - b) for x, y in zip(found, expected) for a, b in zip(x, y))
    assert worst <= TOLERANCE, f'a label is {worst} off'
    return f'{len(found)} pictures, labels within {worst:.1g}'


def check_batches(batches, weights):
    images, labels = zip(*batches)
    assert sum(len(image) for image in images) == len(weights)
    return check_labels([row for label in labels for row in label.tolist()], weights.values())


def pytorch(names, weights, classes):
    import torch
    images, labels = next(iter(names['loader']))
    assert images.dtype == labels.dtype == torch.float32 and images.shape[1] == 3
    assert 0 <= images.min() and images.max() <= 1
    loss = torch.nn.functional.cross_entropy(torch.zeros(len(labels), len(classes)), labels)
    assert abs(loss - torch.tensor(float(len(classes))).log()) < 1e-4, 'the labels do not sum to 1'
    return check_batches(names['loader'], weights)


def hugging_face(names, weights, classes):
    dataset = names['dataset']
    assert set(dataset.column_names) == {'image', 'label', 'soft_label', 'lambda', 'source_a', 'source_b'}
    assert dataset[0]['image'].mode == 'RGB'
    assert all(classes[max(range(len(classes)), key=row.__getitem__)] == label
               for row, label in zip(dataset['soft_label'], dataset['label']))
    return check_labels(dataset['soft_label'], weights.values())


def keras(names, weights, classes):
    return check_batches([(images.numpy(), labels.numpy()) for images, labels in names['dataset']], weights)


def fastai(names, weights, classes):
    return check_batches([(images, labels) for images, labels in names['dls'].train.new(shuffle=False)], weights)


def timm(names, weights, classes):
    import torch
    labels = torch.tensor(list(weights.values()))
    loss = names['criterion'](torch.zeros(len(labels), len(classes)), labels)
    assert abs(loss - torch.tensor(float(len(classes))).log()) < 1e-4
    return 'the loss takes the labels'


def class_folders(names, weights, classes):
    folder = names['folder']
    assert len(folder) == len(weights)
    for i, (path, _) in enumerate(folder.samples):
        row = weights[Path(path).relative_to('aug').as_posix()]
        _, target = folder[i]
        assert row[target] == max(row), f'{path} is class {target}, not {row}'
    return f'{len(folder)} pictures of {len(folder.classes)} classes, each in the folder of its heaviest'


def webdataset(names, weights, classes):
    images, labels = zip(*names['dataset'])
    assert images[0].shape[0] == 3
    return check_labels([label.tolist() for label in labels], weights.values())


def parquet(names, weights, classes):
    rows = names['rows']
    assert list(rows.columns) == ['file_name', *classes]
    assert all(str(kind) == 'float64' for kind in rows.dtypes[1:])
    assert {row[0]: list(row[1:]) for row in rows.itertuples(index=False)} == weights
    return f'{len(rows)} rows, equal'


SECTIONS = {
    'PyTorch': ('flat', pytorch),
    'Load it': ('flat', pytorch),
    'timm': ('flat', timm),
    'Hugging Face': ('flat', hugging_face),
    'Keras': ('flat', keras),
    'fastai': ('flat', fastai),
    'Class folders': ('class_folders', class_folders),
    'WebDataset': ('webdataset', webdataset),
    'Other label files': ('webdataset', parquet),
}


def snippets(page):
    """Python code by the heading above it."""
    heading = None
    for match in re.finditer(r'^#+ ([^\n]*)$|^```python\n(.*?)^```$', page.read_text(encoding='utf-8'), re.M | re.S):
        if match[1]:
            heading = match[1]
        elif heading in SECTIONS:
            yield heading, match[2]


def run_section(heading, code, folder):
    weights, classes = truth_of(folder)
    names = {}
    with tempfile.TemporaryDirectory() as scratch:
        os.symlink(folder.resolve(), Path(scratch, 'aug'))
        os.environ['HF_HOME'] = scratch
        os.chdir(scratch)
        try:
            exec(compile(code, heading, 'exec'), names)
            return f'ok: {SECTIONS[heading][1](names, weights, classes)}'
        except ImportError as error:
            return f'skipped: {str(error).splitlines()[0]}'
        finally:
            os.chdir('/')


def check_shards(folder):
    """Every picture is in the shards once, in the order of the rows, with its label."""
    weights, classes = truth_of(folder)
    samples = collections.defaultdict(dict)
    for shard in sorted((folder / 'webdataset').glob('*.tar')):
        with tarfile.open(shard) as archive:
            for member in archive:
                assert (member.uid, member.gid, member.mtime, member.mode) == (0, 0, 0, 0o644), member
                key, extension = member.name.split('.')
                samples[key][extension] = archive.extractfile(member).read()
    for (key, sample), (file, row) in zip(samples.items(), weights.items()):
        facts = json.loads(sample['json'])
        assert facts['file_name'] == file and facts['soft_label'] == row, key
        assert row[int(sample['cls'])] == max(row) and classes[int(sample['cls'])] == facts['label'], key
        assert sample[file.rsplit('.')[-1]] == (folder / file).read_bytes(), key
    assert len(samples) == len(weights), f'{len(samples)} samples, not {len(weights)}'
    return f'ok: {len(samples)} samples'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pages', type=Path, nargs='+')
    for layout in ('--flat', '--class-folders', '--webdataset'):
        parser.add_argument(layout, type=Path)
    arguments = vars(parser.parse_args())
    pages = arguments.pop('pages')
    arguments = {name: path and path.resolve() for name, path in arguments.items()}
    jobs = [
        (heading, lambda heading=heading, code=code: run_section(heading, code, arguments[SECTIONS[heading][0]]))
        for page in pages
        for heading, code in snippets(page)
        if arguments[SECTIONS[heading][0]]
    ]
    if arguments['webdataset']:
        jobs.append(('tar shards', lambda: check_shards(arguments['webdataset'])))
    failed = False
    for name, job in jobs:
        try:
            print(f'{name}: {job()}')
        except Exception:
            failed = True
            print(f'{name}: FAILED')
            traceback.print_exc()
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
