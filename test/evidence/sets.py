"""The sets of docs/evidence.md, as folders with one folder per class.

usage: sets.py cifar <folder with train/<class> and test/<class>> <out>
       sets.py fashion <folder with the IDX files of Debian's dataset-fashion-mnist> <out>

Writes <out>/<labels> for 50, 200, 500 and 5,000 labels in all, the first ones of each class of the training half (of few labels the
first are the same); <out>/tune, 200 others of each class of the training half; and <out>/test, the first 200 of each of the test half.
"""
import gzip
import os
import shutil
import sys

import numpy as np
from PIL import Image

CLASSES = ['T-shirt or top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot']
SETS = {'50': ('train', 0, 5), '200': ('train', 0, 20), '500': ('train', 0, 50), '5000': ('train', 0, 500),
        'tune': ('train', 1000, 1200), 'test': ('test', 0, 200)}


def cifar(root):
    """(half, class) -> functions that write a picture to a folder, in the order of the files' names."""
    def writer(folder, name):
        return lambda out, i: shutil.copy(os.path.join(folder, name), os.path.join(out, f'{i:04}.jpg'))
    for half in ('train', 'test'):
        for name in sorted(os.listdir(os.path.join(root, half))):
            folder = os.path.join(root, half, name)
            yield half, name, [writer(folder, file) for file in sorted(os.listdir(folder))]


def fashion(root):
    def writer(picture):
        return lambda out, i: Image.fromarray(picture).save(os.path.join(out, f'{i:04}.png'))
    for half, prefix in (('train', 'train'), ('test', 't10k')):
        with gzip.open(os.path.join(root, f'{prefix}-images-idx3-ubyte.gz')) as file:
            pictures = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
        with gzip.open(os.path.join(root, f'{prefix}-labels-idx1-ubyte.gz')) as file:
            labels = np.frombuffer(file.read(), np.uint8, offset=8)
        for k, name in enumerate(CLASSES):
            yield half, name, [writer(picture) for picture in pictures[labels == k]]


def main():
    kind, root, out = sys.argv[1:]
    for half, name, writers in {'cifar': cifar, 'fashion': fashion}[kind](root):
        for folder, (wanted, first, end) in SETS.items():
            if wanted != half:
                continue
            place = os.path.join(out, folder, name)
            os.makedirs(place, exist_ok=True)
            for i, write in enumerate(writers[first:end]):
                write(place, i)


main()
