"""Batches of normalised pictures [N, C, H, W] and what training does to them."""
import numpy as np
import torch
import torch.nn.functional as F
from datasets import load


def normalised(name, folder):
    """-> (train pictures, train labels), (test pictures, test labels), class names; tells mean and std of the training split."""
    (x, y), (tx, ty), classes = load(name, folder)
    mean = (x.mean((0, 2, 3), dtype=np.float64) / 255).round(4).astype(np.float32)
    std = (x.std((0, 2, 3), dtype=np.float64) / 255).round(4).astype(np.float32)
    print('mean', mean.tolist(), 'std', std.tolist(), 'classes', classes, flush=True)
    scale = lambda u: torch.from_numpy((u / np.float32(255) - mean[:, None, None]) / std[:, None, None])
    return (scale(x), torch.from_numpy(y)), (scale(tx), torch.from_numpy(ty)), classes


def flipped(x, flip):
    """Mirrors the pictures where flip [N] says so."""
    return torch.where(flip[:, None, None, None], x.flip(3), x)


def shifted(x, most, generator):
    """Reflects pictures at the edges and shifts each by up to `most` pixels each way."""
    n, c, h, w = x.shape
    x = F.pad(x, (most,) * 4, 'reflect')
    dy, dx = torch.randint(0, 2 * most + 1, (2, n), generator=generator)
    rows = (dy[:, None] + torch.arange(h))[:, None, :, None]
    columns = (dx[:, None] + torch.arange(w))[:, None, None, :]
    return x[torch.arange(n)[:, None, None, None], torch.arange(c)[None, :, None, None], rows, columns]


def cut(x, side, generator):
    """Sets a square of each picture to the mean colour, 0 (DeVries & Taylor 2017)."""
    n, _, h, w = x.shape
    cy, cx = torch.randint(0, h, (n,), generator=generator), torch.randint(0, w, (n,), generator=generator)
    near = lambda centre, size: (torch.arange(size) - centre[:, None]).abs() < side // 2
    return x.masked_fill((near(cy, h)[:, :, None] & near(cx, w)[:, None, :])[:, None], 0)


@torch.no_grad()
def accuracy(model, x, y):
    """The share of the pictures whose class the model, in inference mode, finds."""
    model.eval()
    return sum((model(a).argmax(1) == b).sum().item() for a, b in zip(x.split(500), y.split(500))) / len(x)
