"""Pictures and soft labels that sage-augment made, for Keras 3 on any backend.

    from augmented import Augmented
    dataset = Augmented("aug", size=224, batch=128)
    model.compile("adam", loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    model.fit(dataset, epochs=10)

A batch is float32 [N, H, W, 3] in 0 ... 1 and float32 [N, K], the weight of every class in the order of `classes`. With
--multi-label the loss is keras.losses.BinaryCrossentropy(from_logits=True). Validate on clean pictures, numbered as
`classes` are. Needs keras, pandas and Pillow.
"""

import sys
from pathlib import Path

import keras
import numpy
import pandas
from PIL import Image


class Augmented(keras.utils.PyDataset):
    """The folder `root` of a run; all pictures become `size` x `size`. `more` goes to PyDataset: workers and the like."""

    def __init__(self, root, size=224, batch=128, shuffle=True, **more):
        super().__init__(**more)
        self.root, self.size, self.batch, self.shuffle = Path(root), size, batch, shuffle
        self.classes = (self.root / "classes.txt").read_text(encoding="utf-8").split("\n")[:-1]
        self.files, self.indices, self.weights = read_labels(self.root, len(self.classes))
        self.order = numpy.arange(len(self.files))
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.files) // self.batch)

    def __getitem__(self, i):
        chosen = self.order[i * self.batch : (i + 1) * self.batch]
        labels = numpy.zeros((len(chosen), len(self.classes)), "float32")
        for row, k in enumerate(chosen):
            numpy.add.at(labels[row], self.indices[k], self.weights[k])
        return numpy.stack([self.picture(self.files[k]) for k in chosen]), labels

    def picture(self, file):
        image = Image.open(self.root / file).convert("RGB").resize((self.size, self.size))
        return numpy.asarray(image, "float32") / 255

    def on_epoch_end(self):
        if self.shuffle:
            numpy.random.default_rng().shuffle(self.order)


def read_labels(root, classes):
    """Names of the pictures, and for each the indices of some classes and their weights, [N, C]."""
    sparse = root / "labels_sparse.csv"
    if sparse.exists():  # of --labels-format sparse: a few columns, however many classes there are
        rows = pandas.read_csv(sparse, keep_default_na=False)
        pairs = range(1, sum(name.startswith("index_") for name in rows.columns) + 1)
        indices = rows[[f"index_{k}" for k in pairs]].to_numpy("int64")
        weights = rows[[f"weight_{k}" for k in pairs]].to_numpy("float32")
    else:
        rows = pandas.read_csv(root / "labels.csv", keep_default_na=False)
        weights = rows.iloc[:, 1:].to_numpy("float32")
        indices = numpy.broadcast_to(numpy.arange(classes), weights.shape)
    return list(rows["file_name"]), indices, weights


if __name__ == "__main__":
    dataset = Augmented(sys.argv[1] if len(sys.argv) > 1 else "aug", batch=64, shuffle=False)
    images, labels = dataset[0]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)(labels, numpy.zeros_like(labels))
    print(f"{len(dataset.files)} pictures of {len(dataset.classes)} classes, a batch of {images.shape}")
    print(f"loss of a model that knows nothing: {float(loss):.6f}")
