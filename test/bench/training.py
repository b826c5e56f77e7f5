"""Steps of training in PyTorch, for training.js: as many as a line of stdin says, answered with the milliseconds of each.

usage: training.py export <folder> <net>           writes <folder>/<net>.onnx
       training.py run <net> <threads> <layout>     layout nchw, nhwc or compile (torch.compile, of NCHW); `peak` instead of a
                                                    number asks for the peak memory
"""
import os
import resource
import sys
import time
import warnings
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

warnings.filterwarnings('ignore')


class Block(nn.Module):
    """Of the CIFAR network of He et al. 2015, section 4.2: shortcuts without parameters."""

    def __init__(self, before, channels):
        super().__init__()
        self.added = channels - before
        self.conv1 = nn.Conv2d(before, channels, 3, channels // before, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.added:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.added // 2, self.added // 2))
        return F.relu(y + x)


def three():
    """Three convolutions with instance normalisation."""
    layers = []
    for before, channels in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(before, channels, 3, 1, 1), nn.InstanceNorm2d(channels, affine=True), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def resnet20():
    widths = [16] + [16] * 3 + [32] * 3 + [64] * 3
    blocks = [Block(before, channels) for before, channels in zip(widths, widths[1:])]
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def general():
    """EfficientNet-Lite0 with its normalisations folded into the convolutions, as the bundled `general` has it."""
    import timm
    from timm.layers import BatchNormAct2d
    model = timm.create_model('efficientnet_lite0')

    def fold(module):
        for name, child in module.named_children():
            if isinstance(child, (nn.BatchNorm2d, BatchNormAct2d)):
                setattr(module, name, nn.Sequential(getattr(child, 'act', nn.Identity())))
            elif isinstance(child, nn.Conv2d):
                child.bias = nn.Parameter(torch.zeros(child.out_channels))
            else:
                fold(child)
    fold(model)
    return model


# By name: the network, pictures of a batch, their side, classes.
NETS = {
    'three': (three, 64, 32, 10),
    'resnet20': (resnet20, 128, 32, 10),
    'resnet18': (lambda: torchvision.models.resnet18(weights=None), 8, 224, 1000),
    'mobilenet_v2': (lambda: torchvision.models.mobilenet_v2(weights=None, dropout=0.0), 8, 224, 1000),
    'general': (general, 8, 224, 1000),
}


def export(folder, name):
    make, batch, size, _ = NETS[name]
    torch.manual_seed(0)
    axes = {'input': {0: 'N'}, 'logits': {0: 'N'}}
    torch.onnx.export(make().eval(), (torch.randn(2, 3, size, size),), os.path.join(folder, f'{name}.onnx'), opset_version=17,
                      dynamo=False, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                      input_names=['input'], output_names=['logits'], dynamic_axes=axes)


def run(name, threads, layout):
    torch.set_num_threads(threads)
    make, batch, size, classes = NETS[name]
    is_compiled = layout == 'compile'
    layout = dict(memory_format=torch.channels_last if layout == 'nhwc' else torch.contiguous_format)
    model = make().train().to(**layout)
    x, y = torch.randn(batch, 3, size, size).contiguous(**layout), torch.randint(classes, (batch,))
    forward = torch.compile(model) if is_compiled else model
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    # The processor's time of several threads would count those that wait.
    clock = time.process_time if threads == 1 else time.perf_counter
    for line in sys.stdin:
        if line.strip() == 'peak':
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
            continue
        steps = int(line)
        start = clock()
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(forward(x), y).backward()
            optimizer.step()
        print((clock() - start) * 1000 / steps, flush=True)


if __name__ == '__main__':
    if sys.argv[1] == 'export':
        export(sys.argv[2], sys.argv[3])
    else:
        run(sys.argv[2], int(sys.argv[3]), sys.argv[4])
