#!/usr/bin/env python3
"""Loads finished datasets with the snippets of Markdown pages, and compares what comes with labels.csv.

    python3 test/external/load_dataset.py docs/loading.md README.md --val INPUT
        --flat DIR [--class-folders DIR] [--webdataset DIR]

The snippets of each section run in a folder where ./aug is the dataset of the layout that the section is about, and ./val
the class folders that the datasets were made from. A section whose library is missing is skipped and said so. Also reads
the tar shards with tarfile. Exits 1 if anything differs.
"""
import argparse
import collections
import concurrent.futures
import csv
import hashlib
import importlib
import io
import json
import math
import multiprocessing
import os
import re
import sys
import tarfile
import tempfile
import traceback
from pathlib import Path

import numpy
from PIL import Image

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


def cross_entropy(rows):
    """Mean cross entropy of soft labels with the fixed logits 0, 0.1, 0.2, ..."""
    logits = [k / 10 for k in range(len(rows[0]))]
    total = math.log(sum(map(math.exp, logits)))
    return sum(weight * (total - logit) for row in rows for weight, logit in zip(row, logits)) / len(rows)


def check_loss(loss, rows):
    """What a framework computes for the same logits."""
    found, expected = float(loss), cross_entropy(rows)
    assert abs(found - expected) < 1e-4, f'the loss is {found}, not {expected}'


def picture(file):
    """A picture of ./aug, which may lie in a tar shard."""
    for shard in sorted(Path('aug/webdataset').glob('*.tar')):
        with tarfile.open(shard) as archive:
            name = file.removeprefix('images/')
            if name in archive.getnames():
                return io.BytesIO(archive.extractfile(name).read())
    return Path('aug', file)


def mean_colours(weights):
    """Mean of every picture in 0..1, by its label as float32, where no other has the same label."""
    files = collections.defaultdict(list)
    for file, row in weights.items():
        files[numpy.float32(row).tobytes()].append(file)
    return {key: numpy.asarray(Image.open(picture(found[0])).convert('RGB')).mean() / 255
            for key, found in files.items() if len(found) == 1}


def check_batches(batches, weights, loss, coloured=True):
    """Labels, their loss, and that each label comes with its picture."""
    colours, labels, paired = mean_colours(weights), [], 0
    for images, rows in batches:
        images, rows = numpy.asarray(images, 'float32'), numpy.asarray(rows, 'float32')
        assert len(images) == len(rows) and images.ndim == 4 and 224 in images.shape
        logits = numpy.tile(numpy.arange(rows.shape[1], dtype='float32') / 10, (len(rows), 1))
        check_loss(loss(logits, rows), rows.tolist())
        for image, row in zip(images, rows) if coloured else ():
            colour = colours.get(row.tobytes())
            assert colour is None or abs(image.mean() - colour) < 0.02, f'a picture of {image.mean()}, not {colour}'
            paired += colour is not None
        labels.extend(rows.tolist())
    assert paired == (len(colours) if coloured else 0)
    return check_labels(labels, weights.values()) + (f', {paired} paired' if coloured else '')


def torch_loss(logits, rows):
    import torch
    return torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(rows))


def pytorch(names, weights, classes):
    return check_batches(names['loader'], weights, torch_loss)


def timm(names, weights, classes):
    import torch
    def loss(logits, rows):
        return names['criterion'](torch.tensor(logits), torch.tensor(rows))
    return check_batches(names['loader'], weights, loss, coloured=False)


def hugging_face(names, weights, classes):
    dataset = names['dataset']
    assert set(dataset.column_names) == {'image', 'label', 'soft_label', 'lambda', 'source_a', 'source_b', 'epoch'}
    assert all(classes[max(range(len(classes)), key=row.__getitem__)] == label
               for row, label in zip(dataset['soft_label'], dataset['label']))
    colours = mean_colours(weights)
    for image, row in zip(dataset['image'], dataset['soft_label']):
        colour = colours.get(numpy.float32(row).tobytes())
        assert image.mode == 'RGB' and (colour is None or abs(numpy.asarray(image).mean() / 255 - colour) < 1e-6)
    return check_labels(dataset['soft_label'], weights.values())


def keras(names, weights, classes):
    return check_batches(names['dataset'], weights, lambda logits, rows: names['loss'](rows, logits))


def fastai(names, weights, classes):
    assert len(names['dls'].valid_ds) == 0
    batches = [(images.cpu(), labels.cpu()) for images, labels in names['dls'].train.new(shuffle=False, drop_last=False)]
    return check_batches(batches, weights, torch_loss)


def hard_labels(names):
    """File, where the loader tells, and class index of every picture, and whose loader it is."""
    folder = names.get('folder')
    if 'keras' in names:
        return 'keras', [(None, int(label)) for _, labels in names['dataset'] for label in labels]
    if 'create_dataset' in names:
        return 'timm', [(file, folder[i][1]) for i, (file, _) in enumerate(folder.reader.samples)]
    return 'torchvision', [(file, folder[i][1]) for i, (file, _) in enumerate(folder.samples)]


def class_folders(names, weights, classes):
    library, found = hard_labels(names)
    assert len(found) == len(weights)
    for file, target in found:
        row = file and weights[Path(file).relative_to('aug').as_posix()]
        assert not file or row[target] == max(row), f'{file} is class {target}, not {row}'
    heaviest = sorted(int(Path(file).parent.name) for file in weights)
    assert sorted(target for _, target in found) == heaviest
    return f'{library}, {len(found)} pictures of {len(set(heaviest))} classes, each of its heaviest'


def validation(names, weights, classes):
    library, found = hard_labels(names)
    files = [file for file in Path('val').glob('*/*') if file.is_file()]
    assert sorted(target for _, target in found) == sorted(classes.index(file.parent.name) for file in files)
    assert all(not file or classes[target] == Path(file).parent.name for file, target in found)
    return f'{library}, {len(found)} pictures'


def webdataset(names, weights, classes):
    return check_batches(names['loader'], weights, torch_loss)


def parquet(names, weights, classes):
    rows = names['rows']
    assert list(rows.columns) == ['file_name', *classes]
    assert all(str(kind) == 'float64' for kind in rows.dtypes[1:])
    assert {row[0]: list(row[1:]) for row in rows.itertuples(index=False)} == weights
    return f'{len(rows)} rows, equal'


SECTIONS = {
    'PyTorch': ('flat', pytorch),
    'Your own pictures': ('flat', pytorch),
    'timm': ('flat', timm),
    'Hugging Face': ('flat', hugging_face),
    'Keras': ('flat', keras),
    'fastai': ('flat', fastai),
    'Class folders': ('class_folders', class_folders),
    'Validation pictures by the same numbers': ('flat', validation),
    'WebDataset': ('webdataset', webdataset),
    'Other label files': ('webdataset', parquet),
}
# Sections that use what another has defined.
AFTER = {'timm': 'PyTorch'}


def snippets(page):
    """Python code by the heading above it."""
    heading, first = None, {}
    for match in re.finditer(r'^#+ ([^\n]*)$|^```python\n(.*?)^```$', page.read_text(encoding='utf-8'), re.M | re.S):
        if match[1]:
            heading = match[1]
        elif heading in SECTIONS:
            first.setdefault(heading, match[2])
            yield heading, first.get(AFTER.get(heading), '') + match[2]


def run_section(heading, code, folder, val):
    weights, classes = truth_of(folder)
    with tempfile.TemporaryDirectory() as scratch:
        os.symlink(folder, Path(scratch, 'aug'))
        os.symlink(val, Path(scratch, 'val'))
        os.environ['HF_HOME'] = scratch
        os.chdir(scratch)
        try:
            Path('snippet.py').write_text(code, encoding='utf-8')
            sys.path.insert(0, scratch)
            names = vars(importlib.import_module('snippet'))
            return f'ok: {SECTIONS[heading][1](names, weights, classes)}'
        except ImportError as error:
            return f'skipped: {str(error).splitlines()[0]}'
        finally:
            os.chdir('/')


def check_shards(folder):
    """Every picture is in the shards once, in the order of the rows, with its label."""
    weights, classes = truth_of(folder)
    made = map(json.loads, (folder / 'provenance.jsonl').read_text(encoding='utf-8').splitlines())
    hashes = {row['file_name']: row['sha256'] for row in made}
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
        assert hashlib.sha256(sample[file.rsplit('.')[-1]]).hexdigest() == hashes[file], key
    assert len(samples) == len(weights), f'{len(samples)} samples, not {len(weights)}'
    return f'ok: {len(samples)} samples'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pages', type=Path, nargs='+')
    parser.add_argument('--val', type=Path, required=True)
    for layout in ('--flat', '--class-folders', '--webdataset'):
        parser.add_argument(layout, type=Path)
    arguments = vars(parser.parse_args())
    pages, val = arguments.pop('pages'), arguments.pop('val').resolve()
    arguments = {name: path and path.resolve() for name, path in arguments.items()}
    jobs = [
        (heading, run_section, heading, code, arguments[SECTIONS[heading][0]], val)
        for page in pages
        for heading, code in snippets(page)
        if arguments[SECTIONS[heading][0]]
    ]
    if arguments['webdataset']:
        jobs.append(('tar shards', check_shards, arguments['webdataset']))
    failed = False
    for name, *job in jobs:
        try:
            # A process of its own: the threads of one library can hang the forked workers of another.
            with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as process:
                print(f'{name}: {process.submit(*job).result()}')
        except Exception:
            failed = True
            print(f'{name}: FAILED')
            traceback.print_exc()
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
