#!/usr/bin/env python3
"""Writes what class activation maps of small untrained classifiers must be, from PyTorch's autograd in float64.

    pip install torch onnx onnxscript [grad-cam captum]
    python activation_maps.py ../../fixtures/activations

One .onnx and one .json a classifier. Maps are float32, not negative, of two pictures for the logits of `labels`; each picture's
is divided by its largest value. With `grad-cam` and `captum` installed, their maps are compared with ours on the way.
"""
import base64
import json
import pathlib
import sys
import numpy as np
import onnx
import torch
from torch import nn

WIDTH, HEIGHT, CLASSES = 24, 32, 5


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))

    def forward(self, x):
        return torch.relu(x + self.inner(x))


class Convolutional(nn.Module):
    """Two resolutions, 16 x 12 and 8 x 6; `pool` is 'mean' or 'max'; `hidden` puts a ReLU into the head."""

    def __init__(self, pool='mean', hidden=False):
        super().__init__()
        self.fine = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(), Residual(8))
        self.coarse = nn.Sequential(nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.BatchNorm2d(12), nn.ReLU(), Residual(12))
        self.pool = nn.AdaptiveAvgPool2d(1) if pool == 'mean' else nn.MaxPool2d((8, 6))
        self.head = nn.Sequential(nn.Linear(12, 12), nn.ReLU() if hidden else nn.Identity(), nn.Linear(12, CLASSES))

    def forward(self, x):
        return self.head(self.pool(self.coarse(self.fine(x))).flatten(1))


class Block(nn.Module):
    """Attention of two heads and a multi-layer perceptron, both after a norm and around a residual."""

    def __init__(self, size):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.mlp = nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(n, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = torch.softmax(q @ k.transpose(-2, -1) / (c // 2) ** 0.5, -1) @ v
        x = x + self.out(mixed.transpose(1, 2).reshape(n, t, c))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    """Patches of 4 x 4, a class token, two blocks."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 4, stride=4)
        self.token, self.places = nn.Parameter(torch.randn(1, 1, 12)), nn.Parameter(torch.randn(1, 49, 12))
        self.first, self.second = Block(12), Block(12)
        self.norm, self.head = nn.LayerNorm(12), nn.Linear(12, CLASSES)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        return self.head(self.norm(self.second(self.first(x)))[:, 0])


class ChannelsLast(nn.Module):
    """[N, H, W, C] inside, as Swin and ConvNeXt have it: a norm, a mean over the places, a linear head."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 10, 4, stride=4)
        self.mlp = nn.Sequential(nn.LayerNorm(10), nn.Linear(10, 20), nn.GELU(), nn.Linear(20, 10))
        self.norm, self.head = nn.LayerNorm(10), nn.Linear(10, CLASSES)

    def forward(self, x):
        x = self.patches(x).permute(0, 2, 3, 1)
        return self.head(self.norm(x + self.mlp(x)).mean((1, 2)))


def planes(value, layout):
    """[N, C, H, W] of a layer's value."""
    if layout == 'tokens':
        return value[:, 1:].transpose(1, 2).reshape(value.shape[0], -1, HEIGHT // 4, WIDTH // 4)
    return value.permute(0, 3, 1, 2) if layout == 'nhwc' else value


def activation_maps(model, module, layout, x, labels):
    """gradcam and layercam at a module's output, float64 [N, h, w]."""
    kept = []
    handle = module.register_forward_hook(lambda _, __, value: kept.append(value))
    logits = model(x)
    handle.remove()
    gradient, = torch.autograd.grad(logits[range(len(labels)), labels].sum(), kept[0])
    a, g = planes(kept[0].detach(), layout), planes(gradient, layout)
    return {'gradcam': torch.relu((g.mean((2, 3), keepdim=True) * a).sum(1)),
            'layercam': torch.relu((torch.relu(g) * a).sum(1))}


def class_activation_maps(model, module, weights, head, layout, x, labels):
    """'cam': of the logit alone; 'cam-ce': of what sets the class apart, times its softmax where the head sees one cell alone."""
    kept = []
    handle = module.register_forward_hook(lambda _, __, value: kept.append(value))
    apart = -torch.softmax(model(x).detach(), 1)
    handle.remove()
    apart[range(len(labels)), labels] += 1
    a = planes(kept[0].detach(), layout)
    of = lambda w: torch.stack([sums.relu() if sums.max() > 0 else sums - sums.min() for sums in torch.einsum('nc,nchw->nhw', w, a)])
    shares = torch.stack([torch.softmax(head(cells.flatten(1).T), 1)[:, k].reshape(cells.shape[1:]) for cells, k in zip(a, labels)])
    return {'cam': of(weights[labels]), 'cam-ce': of(apart @ weights) * shares.detach()}


def third_opinions(model, module, layout, x, labels, ours):
    """Compares with pytorch-grad-cam and Captum, where they are installed."""
    try:
        from captum.attr import LayerGradCam
        from pytorch_grad_cam import GradCAM, LayerCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    except ImportError:
        return print('  no grad-cam or captum to compare with')
    largest = lambda maps: maps / maps.amax((1, 2), keepdim=True)
    for name, kind in (('gradcam', GradCAM), ('layercam', LayerCAM)):
        targets = [ClassifierOutputTarget(label) for label in labels]
        cam = kind(model=model, target_layers=[module], reshape_transform=lambda value: planes(value, layout))
        cam.get_target_width_height = lambda _: ours[name].shape[:0:-1]
        theirs = torch.from_numpy(np.asarray(cam(input_tensor=x.clone(), targets=targets), np.float64))
        lowest = largest(ours[name]) - largest(ours[name]).amin((1, 2), keepdim=True)
        print(f'  {name}: {(largest(lowest) - theirs).abs().max():.1e} from pytorch-grad-cam, which subtracts the least')
    if layout == 'nchw':
        theirs = LayerGradCam(model, module).attribute(x.clone(), torch.tensor(labels), relu_attributions=True)[:, 0]
        print(f'  gradcam: {(largest(ours["gradcam"]) - largest(theirs.detach())).abs().max():.1e} from Captum')


def pack(maps):
    largest = maps / maps.amax((1, 2), keepdim=True)
    values = np.ascontiguousarray(largest.numpy(), '<f4')
    return {'size': [maps.shape[2], maps.shape[1]], 'values': base64.b64encode(values.tobytes()).decode()}


def settle(model):
    """Random weights large enough for the maps to differ, norms that have seen something."""
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data *= 2
    for _ in range(10):
        model(torch.randn(16, 3, HEIGHT, WIDTH))
    return model.eval()


def without_traces(file):
    """Leaves out what the exporter notes of the machine: the path and line of every node."""
    model = onnx.load(file)
    for item in [model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        del item.metadata_props[:]
    onnx.save(model, file)


def write(folder, name, model, layers, layout, cam):
    """`layers`: the module each kind reads by default; `cam`: the module that is pooled and the head's weights, or None."""
    pixels = np.random.default_rng(3).integers(0, 256, (2, HEIGHT, WIDTH, 3), np.uint8)
    torch.onnx.export(model, (torch.zeros(2, 3, HEIGHT, WIDTH),), folder / f'{name}.onnx', input_names=['input'], output_names=['logits'],
                      opset_version=18, dynamic_shapes=({0: torch.export.Dim('batch')},), external_data=False, verbose=False)
    without_traces(folder / f'{name}.onnx')
    model = model.double()
    x = torch.from_numpy((pixels / 127.5 - 1).transpose(0, 3, 1, 2))
    labels = [1, 3]
    print(name)
    record = {'dims': list(pixels.shape), 'pixels': base64.b64encode(pixels.tobytes()).decode(), 'labels': labels, 'maps': {}}
    for kind, module in layers.items():
        found = activation_maps(model, module, layout, x, labels)
        record['maps'][kind] = pack(found[kind])
        third_opinions(model, module, layout, x, labels, found)
    if cam is not None:
        for kind, found in class_activation_maps(model, *cam, model.head, layout, x, labels).items():
            record['maps'][kind] = pack(found)
    (folder / f'{name}.json').write_text(json.dumps(record) + '\n')


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    torch.manual_seed(4)
    for name, options in (('mean', {}), ('maximum', {'pool': 'max'}), ('hidden', {'hidden': True})):
        model = settle(Convolutional(**options))
        weights = (model.head[2].weight @ model.head[0].weight).detach().double()
        cam = None if name == 'hidden' else (model.coarse, weights)
        write(folder, name, model, {'gradcam': model.coarse, 'layercam': model.fine}, 'nchw', cam)
    model = settle(Transformer())
    write(folder, 'transformer', model, {'gradcam': model.first, 'layercam': model.first}, 'tokens', None)
    model = settle(ChannelsLast())
    write(folder, 'channels-last', model, {'gradcam': model.norm, 'layercam': model.norm}, 'nhwc', (model.norm, model.head.weight.detach().double()))


if __name__ == '__main__':
    main()
