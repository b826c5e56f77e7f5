#!/usr/bin/env python3
"""Loads finished datasets with the code of `sage-augment loader`, and compares labels and losses with labels.csv.

    python3 test/external/check_loaders.py DIR... [--only torch,keras]

Each loader runs in a process of its own on each folder, whose layout must be flat (for hf: any). All labels that it gives
are those of labels.csv, and the library's own cross-entropy of them, for logits 0, 0.1, 0.2, ..., is the one computed by
hand. A loader whose library is missing is skipped and said so. Exits 1 if anything differs.
"""
import argparse
import csv
import importlib.util
import math
import subprocess
import sys
from pathlib import Path

LOADERS = Path(__file__).resolve().parents[2] / 'loaders'
MODULES = {'torch': 'torch', 'keras': 'keras', 'tf': 'tensorflow', 'fastai': 'fastai', 'hf': 'datasets'}


def rows_of(folder):
    with open(folder / 'labels.csv', newline='', encoding='utf-8') as text:
        return [[float(cell) for cell in row[1:]] for row in list(csv.reader(text))[1:]]


def loss_of(rows):
    logits = [k / 10 for k in range(len(rows[0]))]
    total = math.log(sum(map(math.exp, logits)))
    return sum(weight * (total - logit) for row in rows for weight, logit in zip(row, logits)) / len(rows)


def batches(trainer, loader, folder):
    """Labels and the library's loss of each batch."""
    if trainer == 'torch':
        import torch
        for images, labels in torch.utils.data.DataLoader(loader.Augmented(folder, size=32), batch_size=16, shuffle=True):
            assert images.shape[1:] == (3, 32, 32) and 0 <= images.min() and images.max() <= 1
            logits = (torch.arange(labels.shape[1]) / 10).expand(labels.shape)
            yield labels.tolist(), torch.nn.functional.cross_entropy(logits, labels).item()
    elif trainer == 'keras':
        import keras, numpy
        dataset = loader.Augmented(folder, size=32, batch=16)
        for i in range(len(dataset)):
            images, labels = dataset[i]
            assert images.shape[1:] == (32, 32, 3) and 0 <= images.min() and images.max() <= 1
            logits = numpy.broadcast_to(numpy.arange(labels.shape[1], dtype='float32') / 10, labels.shape)
            yield labels.tolist(), float(keras.losses.CategoricalCrossentropy(from_logits=True)(labels, logits))
    elif trainer == 'tf':
        import tensorflow as tf
        dataset, _ = loader.augmented(folder, size=32, batch=16)
        for images, labels in dataset:
            assert images.shape[1:] == (32, 32, 3)
            logits = tf.broadcast_to(tf.range(labels.shape[1], dtype='float32') / 10, labels.shape)
            yield labels.numpy().tolist(), float(tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, logits)))
    elif trainer == 'fastai':
        import torch
        for images, labels in loader.augmented(folder, size=32, bs=16).train.new(shuffle=True, drop_last=False):
            assert images.shape[1:] == (3, 32, 32)
            logits = (torch.arange(labels.shape[1]) / 10).expand(labels.shape)
            yield labels.tolist(), float(loader.soft_cross_entropy(logits, labels))
    else:
        import torch
        dataset, _ = loader.augmented(folder, size=32)
        for batch in torch.utils.data.DataLoader(dataset, batch_size=16, shuffle=True, collate_fn=loader.collate):
            labels = batch['labels']
            assert batch['pixel_values'].shape[1:] == (3, 32, 32)
            logits = (torch.arange(labels.shape[1]) / 10).expand(labels.shape)
            yield labels.tolist(), float(loader.soft_cross_entropy({'logits': logits}, labels))


def check(trainer, folder):
    """All that a loader gives of a folder."""
    spec = importlib.util.spec_from_file_location('augmented', LOADERS / f'{trainer}.py')
    loader = importlib.util.module_from_spec(spec)
    sys.modules['augmented'] = loader
    spec.loader.exec_module(loader)
    expected, found, losses = rows_of(folder), [], 0
    for labels, loss in batches(trainer, loader, folder):
        found += labels
        losses += loss * len(labels)
    worst = max(abs(a - b) for x, y in zip(sorted(found), sorted(expected)) for a, b in zip(x, y))
    assert len(found) == len(expected) and worst < 1e-6, f'{len(found)} labels of {len(expected)}, {worst} off'
    mean, right = losses / len(found), loss_of(expected)
    assert abs(mean - right) < 1e-5, f'the loss is {mean}, not {right}'
    print(f'{trainer:7} {folder}: {len(found)} pictures, labels within {worst:.1g}, loss {mean:.6f} ({right:.6f} by hand)')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('folders', type=Path, nargs='+')
    parser.add_argument('--only', default=','.join(MODULES))
    parser.add_argument('--one', help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        return check(given.one, given.folders[0])
    failed = False
    for trainer in given.only.split(','):
        if importlib.util.find_spec(MODULES[trainer]) is None:
            print(f'{trainer:7} skipped: {MODULES[trainer]} is missing')
            continue
        for folder in given.folders:
            flat = (folder / 'images').is_dir()
            if flat or trainer == 'hf':
                failed |= subprocess.run([sys.executable, __file__, str(folder), '--one', trainer]).returncode != 0
    sys.exit(1 if failed else 0)


main()
