"""The two training sets as uint8 arrays; nothing is downloaded."""
import gzip
import pathlib
import numpy as np
from PIL import Image

FASHION_CLASSES = ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot']


def class_folders(root):
    """<root>/<class>/*.jpg -> uint8 [N, 3, H, W], labels [N], class names in code-point order."""
    classes = sorted(p.name for p in pathlib.Path(root).iterdir() if p.is_dir())
    images, labels = [], []
    for label, name in enumerate(classes):
        for path in sorted((pathlib.Path(root) / name).glob('*.jpg')):
            images.append(np.asarray(Image.open(path).convert('RGB')).transpose(2, 0, 1))
            labels.append(label)
    return np.stack(images), np.array(labels), classes


def idx(folder, split):
    """The IDX files of Debian's dataset-fashion-mnist -> uint8 [N, 1, 28, 28], labels [N]."""
    def read(name, offset):
        with gzip.open(pathlib.Path(folder) / name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)
    images = read(f'{split}-images-idx3-ubyte.gz', 16).reshape(-1, 1, 28, 28)
    return images, read(f'{split}-labels-idx1-ubyte.gz', 8).astype(np.int64)


def load(name, folder):
    """-> (train images, train labels), (test images, test labels), class names."""
    if name == 'cifar10':
        x, y, classes = class_folders(f'{folder}/train')
        tx, ty, _ = class_folders(f'{folder}/test')
        return (x, y), (tx, ty), classes
    return idx(folder, 'train'), idx(folder, 't10k'), FASHION_CLASSES
