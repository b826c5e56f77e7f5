"""Pictures and soft labels that sage-augment made, for PyTorch.

    from augmented import Augmented
    loader = torch.utils.data.DataLoader(Augmented("aug", size=224), batch_size=128, shuffle=True)
    for images, labels in loader:
        loss = torch.nn.functional.cross_entropy(model(images), labels)

`images` are float32 [N, 3, H, W] in 0 ... 1, `labels` float32 [N, K], the weight of every class in the order of
`classes`. With --multi-label the loss is torch.nn.functional.binary_cross_entropy_with_logits. Validate on clean
pictures, numbered as `classes` are. Needs torch, torchvision, pandas.
"""

import sys
from pathlib import Path

import pandas
import torch
from PIL import Image
from torchvision import transforms


class Augmented(torch.utils.data.Dataset):
    """The folder `root` of a run; all pictures become `size` x `size`, or what `transform` makes of a PIL image."""

    def __init__(self, root, size=224, transform=None):
        self.root = Path(root)
        squeeze = transforms.Compose([transforms.Resize((size, size)), transforms.ToTensor()])
        self.transform = squeeze if transform is None else transform
        self.classes = (self.root / "classes.txt").read_text(encoding="utf-8").split("\n")[:-1]
        self.files, self.indices, self.weights = read_labels(self.root, len(self.classes))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        image = Image.open(self.root / self.files[i]).convert("RGB")
        label = torch.zeros(len(self.classes))
        return self.transform(image), label.index_add(0, self.indices[i], self.weights[i])


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
    dataset = Augmented(sys.argv[1] if len(sys.argv) > 1 else "aug")
    images, labels = next(iter(torch.utils.data.DataLoader(dataset, batch_size=min(64, len(dataset)))))
    loss = torch.nn.functional.cross_entropy(torch.zeros_like(labels), labels)
    print(f"{len(dataset)} pictures of {len(dataset.classes)} classes, a batch of {tuple(images.shape)}")
    print(f"loss of a model that knows nothing: {loss:.6f}")
