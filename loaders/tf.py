"""Pictures and soft labels that sage-augment made, for TensorFlow.

    from augmented import augmented
    dataset, classes = augmented("aug", size=224, batch=128)
    for images, labels in dataset:
        loss = tf.nn.softmax_cross_entropy_with_logits(labels, model(images))

`images` are float32 [N, H, W, 3] in 0 ... 1, `labels` float32 [N, K], the weight of every class in the order of
`classes`. With --multi-label the loss is tf.nn.sigmoid_cross_entropy_with_logits. Validate on clean pictures, numbered
as `classes` are. Needs tensorflow and pandas.
"""

import sys
from pathlib import Path

import pandas
import tensorflow as tf


def augmented(root, size=224, batch=128, shuffle=True):
    """A tf.data.Dataset of the run in the folder `root`, and its classes; all pictures become `size` x `size`."""
    root = Path(root)
    classes = (root / "classes.txt").read_text(encoding="utf-8").split("\n")[:-1]
    files, indices, weights = read_labels(root, len(classes))

    def read(file, index, weight):
        image = tf.io.decode_image(tf.io.read_file(file), channels=3, expand_animations=False)
        image = tf.image.resize(image, (size, size), antialias=True) / 255
        label = tf.tensor_scatter_nd_add(tf.zeros(len(classes)), index[:, None], weight)
        return image, label

    dataset = tf.data.Dataset.from_tensor_slices((files, indices, weights))
    if shuffle:
        dataset = dataset.shuffle(len(files))
    return dataset.map(read, tf.data.AUTOTUNE).batch(batch).prefetch(tf.data.AUTOTUNE), classes


def read_labels(root, classes):
    """Paths of the pictures, and for each the indices of some classes and their weights, [N, C]."""
    sparse = root / "labels_sparse.csv"
    if sparse.exists():  # of --labels-format sparse: a few columns, however many classes there are
        rows = pandas.read_csv(sparse, keep_default_na=False)
        pairs = range(1, sum(name.startswith("index_") for name in rows.columns) + 1)
        indices = rows[[f"index_{k}" for k in pairs]].to_numpy("int32")
        weights = rows[[f"weight_{k}" for k in pairs]].to_numpy("float32")
    else:
        rows = pandas.read_csv(root / "labels.csv", keep_default_na=False)
        weights = rows.iloc[:, 1:].to_numpy("float32")
        indices = tf.broadcast_to(tf.range(classes), weights.shape)
    return [str(root / name) for name in rows["file_name"]], indices, weights


if __name__ == "__main__":
    dataset, classes = augmented(sys.argv[1] if len(sys.argv) > 1 else "aug", batch=64, shuffle=False)
    images, labels = next(iter(dataset))
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, tf.zeros_like(labels)))
    print(f"{len(classes)} classes, a batch of {tuple(images.shape)}")
    print(f"loss of a model that knows nothing: {loss:.6f}")
