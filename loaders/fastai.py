"""Pictures and soft labels that sage-augment made, for fastai.

    from augmented import augmented, soft_cross_entropy
    dls = augmented("aug", size=224, bs=64)
    learn = vision_learner(dls, resnet18, n_out=len(dls.classes), loss_func=soft_cross_entropy)

All rows are for training: validate on clean pictures, numbered as `dls.classes` are. With --multi-label the loss is
BCEWithLogitsLossFlat(). Needs fastai and pandas.
"""

import sys
from pathlib import Path

import pandas
import torch
from fastai.vision.all import DataBlock, ImageBlock, IndexSplitter, RegressionBlock, Resize


def soft_cross_entropy(logits, labels):
    """Cross-entropy of logits and weights of the classes, both [N, K]."""
    return torch.nn.functional.cross_entropy(torch.Tensor(logits), torch.Tensor(labels))


def augmented(root, size=224, bs=64, item_tfms=None):
    """DataLoaders of the run in the folder `root`; all pictures become `size` x `size`, or what `item_tfms` make of them."""
    root = Path(root)
    classes = (root / "classes.txt").read_text(encoding="utf-8").split("\n")[:-1]
    files, indices, weights = read_labels(root, len(classes))

    def label(i):
        return torch.zeros(len(classes)).index_add(0, indices[i], weights[i])

    block = DataBlock(
        blocks=(ImageBlock, RegressionBlock(n_out=len(classes))),
        get_x=lambda i: root / files[i],
        get_y=label,
        splitter=IndexSplitter([]),
        item_tfms=Resize(size, method="squish") if item_tfms is None else item_tfms,
    )
    dls = block.dataloaders(range(len(files)), bs=min(bs, len(files)))
    dls.classes = classes
    return dls


def read_labels(root, classes):
    """Names of the pictures, and for each the indices of some classes and their weights, [N, C]."""
    sparse = root / "labels_sparse.csv"
    if sparse.exists():  # of --labels-format sparse: a few columns, however many classes there are
        rows = pandas.read_csv(sparse, keep_default_na=False)
        pairs = range(1, sum(name.startswith("index_") for name in rows.columns) + 1)
        indices = rows[[f"index_{k}" for k in pairs]].to_numpy("int64")
        weights = rows[[f"weight_{k}" for k in pairs]].to_numpy("float32")
        return list(rows["file_name"]), torch.tensor(indices), torch.tensor(weights)
    rows = pandas.read_csv(root / "labels.csv", keep_default_na=False)
    weights = torch.tensor(rows.iloc[:, 1:].to_numpy("float32"))
    return list(rows.iloc[:, 0]), torch.arange(classes).expand(len(rows), classes), weights


if __name__ == "__main__":
    dls = augmented(sys.argv[1] if len(sys.argv) > 1 else "aug")
    images, labels = dls.train.one_batch()
    loss = soft_cross_entropy(torch.zeros_like(labels), labels)
    print(f"{len(dls.train_ds)} pictures of {len(dls.classes)} classes, a batch of {tuple(images.shape)}")
    print(f"loss of a model that knows nothing: {loss:.6f}")
