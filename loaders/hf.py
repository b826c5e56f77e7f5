"""Pictures and soft labels that sage-augment made, for Hugging Face Datasets and the Trainer of Transformers.

    from augmented import augmented, collate, soft_cross_entropy
    dataset, classes = augmented("aug", size=224)
    model = AutoModelForImageClassification.from_pretrained(name, num_labels=len(classes), ignore_mismatched_sizes=True)
    trainer = Trainer(model, args, train_dataset=dataset, data_collator=collate, compute_loss_func=soft_cross_entropy)

args needs remove_unused_columns=False. An item is {"pixel_values": float32 [3, H, W] in 0 ... 1, "labels": float32 [K],
the weight of every class in the order of `classes`}. Validate on clean pictures, numbered as `classes` are. Needs
datasets, torch and torchvision.
"""

import sys
from pathlib import Path

import torch
from datasets import load_dataset
from torchvision import transforms


def augmented(root, size=224, transform=None):
    """The run in the folder `root`, whatever its --layout, and its classes; all pictures become `size` x `size`."""
    root = Path(root)
    classes = (root / "classes.txt").read_text(encoding="utf-8").split("\n")[:-1]
    squeeze = transforms.Compose([transforms.Resize((size, size)), transforms.ToTensor()])
    transform = squeeze if transform is None else transform
    dataset = load_shards(root)

    def item(batch):
        rows = batch["json"] if "json" in batch else [{"soft_label": label} for label in batch["soft_label"]]
        images = batch["image"] if "image" in batch else batch["jpg" if "jpg" in batch else "png"]
        return {
            "pixel_values": [transform(image.convert("RGB")) for image in images],
            "labels": [torch.tensor(row["soft_label"]) for row in rows],
        }

    return dataset.with_transform(item), classes


def load_shards(root):
    """The run as Hugging Face reads it: Parquet, tar shards, or a picture a file."""
    for builder, folder, ending in ("parquet", "parquet", "parquet"), ("webdataset", "webdataset", "tar"):
        if (root / folder).is_dir():
            return load_dataset(builder, data_files=str(root / folder / f"*.{ending}"), split="train")
    return load_dataset("imagefolder", data_dir=str(root), split="train")


def collate(items):
    return {key: torch.stack([item[key] for item in items]) for key in ("pixel_values", "labels")}


def soft_cross_entropy(outputs, labels, num_items_in_batch=None):
    """The mean over a batch, which the Trainer divides where it gathers several."""
    logits = outputs["logits"] if isinstance(outputs, dict) else outputs
    loss = torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
    return loss / (len(labels) if num_items_in_batch is None else num_items_in_batch)


if __name__ == "__main__":
    dataset, classes = augmented(sys.argv[1] if len(sys.argv) > 1 else "aug")
    batch = collate([dataset[i] for i in range(min(64, len(dataset)))])
    loss = soft_cross_entropy(torch.zeros_like(batch["labels"]), batch["labels"])
    print(f"{len(dataset)} pictures of {len(classes)} classes, a batch of {tuple(batch['pixel_values'].shape)}")
    print(f"loss of a model that knows nothing: {loss:.6f}")
