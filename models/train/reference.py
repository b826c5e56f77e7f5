#!/usr/bin/python3
"""Writes what the saliency of a classifier must be, from PyTorch in float64, as one JSON file.

    /usr/bin/python3 reference.py small <folder>                    two small untrained classifiers, .onnx and .json
    /usr/bin/python3 reference.py attributions <folder>             other maps of the same two: .json
    /usr/bin/python3 reference.py cifar10 <weights.pt> <.json>      a bundled one on pictures of ../../fixtures

The cotangent of the loss on the logits is its textbook formula in 200-digit decimals, since softmax(z) - y cancels even
in float64 for a confident classifier; autograd does the rest. Arrays are base64: `pixels` uint8 [N, H, W, 3], `gradient`
float32, each image divided by its largest magnitude, saliency maps float32, normalised.
"""
import argparse
import base64
import json
import pathlib
from decimal import Decimal, getcontext
import numpy as np
import torch
from PIL import Image
from torchvision.transforms import GaussianBlur
from network import SHAPES, Classifier

getcontext().prec = 200
SMALL = {'small-rgb': (3, 32), 'small-grey': (1, 28)}


def cotangents(logits, target, loss):
    """d loss / d logits, exact, each row divided by its largest magnitude: float64 [N, K]."""
    rows = []
    for z, y in zip(logits.tolist(), target.tolist()):
        z, y = [Decimal(v) for v in z], [Decimal(v) for v in y]
        e = [(v - max(z)).exp() for v in z]
        p = [v / sum(e) for v in e]
        if loss == 'ce':
            c = [a - b for a, b in zip(p, y)]
        else:
            q = [-b + (1 - b) * a / (1 - a) for a, b in zip(p, y)]
            c = [a - b * sum(q) for a, b in zip(q, p)]
        rows.append([float(v / max(map(abs, c))) for v in c])
    return torch.tensor(rows, dtype=torch.float64)


def reference(model, x, target, loss):
    """Input gradient (largest entry of an image 1) and normalised, blurred saliency map, float64."""
    x = x.clone().requires_grad_(True)
    logits = model(x)
    g, = torch.autograd.grad(logits, x, cotangents(logits.detach(), target, loss))
    g = g / g.abs().amax((1, 2, 3), keepdim=True)
    s = GaussianBlur(5, 1.0)(g.abs().mean(1, keepdim=True))
    return logits.detach(), g, (s / s.sum((1, 2, 3), keepdim=True))[:, 0]


def path_gradient(model, x, target, steps):
    """Mean gradient of the target's logit at the midpoints of the path from 0 to x: integrated gradients without x."""
    total = torch.zeros_like(x)
    for k in range(steps):
        point = ((k + 0.5) / steps * x).requires_grad_(True)
        total += torch.autograd.grad((model(point) * target).sum(), point)[0] / steps
    return total


def saliency_map(attribution):
    s = GaussianBlur(5, 1.0)(attribution.abs().mean(1, keepdim=True))
    return (s / s.sum((1, 2, 3), keepdim=True))[:, 0]


def pack(array, dtype):
    return base64.b64encode(np.ascontiguousarray(array, dtype).tobytes()).decode()


def write(path, model, pixels, mean, std, labels):
    """pixels: uint8 [N, H, W, C]."""
    model = model.double().eval()
    wide = np.repeat(pixels, 3 // pixels.shape[3], 3)
    x = torch.from_numpy(((pixels / 255.0 - mean) / std).transpose(0, 3, 1, 2))
    hard = torch.eye(model.head.out_features, dtype=torch.float64)[labels]
    soft = 0.7 * hard + 0.3 * hard.roll(1, 1)
    record = dict(mean=list(mean), std=list(std), dims=list(wide.shape), pixels=pack(wide, 'u1'), cases=[])
    for scale in (1, 50):
        model.head.weight.data *= scale
        model.head.bias.data *= scale
        for loss in ('ce', 'bce'):
            for kind, target in (('hard', hard), ('soft', soft))[:2 if scale == 1 else 1]:
                logits, g, s = reference(model, x, target, loss)
                case = dict(scale=scale, loss=loss, labels=kind, target=target.tolist(), saliency=pack(s, '<f4'))
                if scale == 1 and kind == 'hard':
                    case.update(logits=logits.tolist(), gradient=pack(g, '<f4'))
                record['cases'].append(case)
    pathlib.Path(path).write_text(json.dumps(record) + '\n')


def untrained(channels, size):
    """A small classifier, two pictures of noise and their labels."""
    torch.manual_seed(1)
    model = Classifier(channels, (8, 12, 16), 10, 2 * 4 * channels if channels == 1 else 12)
    for _ in range(20):
        model(torch.randn(32, channels, size, size))
    model.head.weight.data *= 8
    model.eval()
    pixels = np.random.default_rng(2).integers(0, 256, (2, size, size, channels), np.uint8)
    labels = [3, int(model(torch.from_numpy(((pixels[1:] / 255.0 - 0.5) / 0.25).transpose(0, 3, 1, 2)).float()).argmax())]
    return model, pixels, labels


def attributions(folder, steps=21):
    for name, (channels, size) in SMALL.items():
        model, pixels, labels = untrained(channels, size)
        model = model.double()
        x = torch.from_numpy(((pixels / 255.0 - 0.5) / 0.25).transpose(0, 3, 1, 2))
        target = torch.eye(10, dtype=torch.float64)[labels]
        _, gradient, _ = reference(model, x, target, 'ce')
        record = dict(target=target.tolist(), steps=steps, times_input=pack(saliency_map(gradient * x), '<f4'),
                      integrated=pack(saliency_map(path_gradient(model, x, target, steps) * x), '<f4'))
        pathlib.Path(folder, f'{name}.json').write_text(json.dumps(record) + '\n')


def small(folder):
    for name, (channels, size) in SMALL.items():
        model, pixels, labels = untrained(channels, size)
        torch.onnx.export(model, torch.zeros(2, channels, size, size), f'{folder}/{name}.onnx', opset_version=17,
                          input_names=['input'], output_names=['logits'],
                          dynamic_axes={'input': {0: 'batch'}, 'logits': {0: 'batch'}})
        write(f'{folder}/{name}.json', model, pixels, [0.5] * channels, [0.25] * channels, labels)


def fixture_pictures(name):
    """Two pictures that the model was not trained on: uint8 [2, H, W, C] and their classes."""
    fixtures = pathlib.Path(__file__).parents[2] / 'fixtures'
    if name == 'cifar10':
        files, mode, size, labels = ['photos/chelsea.jpg', 'photos/rocket.jpg'], 'RGB', (32, 32), [3, 0]
    else:
        files, mode, size, labels = ['fashion-mnist/000.png', 'fashion-mnist/001.png'], 'L', (28, 28), [9, 2]
    images = [np.asarray(Image.open(fixtures / file).convert(mode).resize(size)) for file in files]
    return np.stack(images).reshape(2, *size, -1), labels


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('what', choices=['small', 'attributions', *SHAPES])
    parser.add_argument('folder', help='for small and attributions: where to write; else the weights')
    parser.add_argument('out', nargs='?')
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.what == 'small':
        return small(args.folder)
    if args.what == 'attributions':
        return attributions(args.folder)
    described = json.loads((pathlib.Path(__file__).parents[1] / f'{args.what}.json').read_text())
    weights, mean = torch.load(args.folder), described['mean']
    normalised = any('norms' in name for name in weights)
    model = Classifier(len(mean), classes=len(described['classes']), normalised=normalised, **SHAPES[args.what])
    model.load_state_dict(weights)
    pixels, labels = fixture_pictures(args.what)
    write(args.out, model, pixels, mean, described['std'], labels)


if __name__ == '__main__':
    main()
