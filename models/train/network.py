"""The bundled classifiers' architecture: a whitening stem and three pooled stages of convolutions."""
import torch
import torch.nn as nn
import torch.nn.functional as F

SHAPES = {
    'cifar10': dict(widths=(32, 112, 256), stem_width=24, depth=3),
    'cifar10-teacher': dict(widths=(64, 192, 256), stem_width=24, depth=3),
    'fashion-mnist': dict(widths=(24, 64, 128), stem_width=8),
}


class Stage(nn.Module):
    """Two 3 x 3 convolutions, the first pooled, or three with a shortcut around the last two: [N, inputs, H, W] ->
    [N, outputs, H // 2, W // 2]."""

    def __init__(self, inputs, outputs, depth, normalised):
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(width, outputs, 3, padding=1, bias=not normalised)
                                          for width in (inputs, outputs, outputs)[:depth])
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) if normalised else nn.Identity() for _ in range(depth))

    def forward(self, x):
        x = F.relu(self.norms[0](F.max_pool2d(self.convolutions[0](x), 2)))
        y = F.relu(self.norms[1](self.convolutions[1](x)))
        return y if len(self.norms) == 2 else F.relu(x + self.norms[2](self.convolutions[2](y)))


class Classifier(nn.Module):
    """[N, channels, H, W] normalised pixels -> [N, classes] logits; any H, W >= 16."""

    def __init__(self, channels, widths, classes, stem_width, depth=2, normalised=True):
        super().__init__()
        self.shape = (channels, widths, classes, stem_width, depth)
        self.stem = nn.Conv2d(channels, stem_width, 2)
        inputs = (stem_width, *widths[:-1])
        self.stages = nn.Sequential(*[Stage(a, b, depth, normalised) for a, b in zip(inputs, widths)])
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, x):
        x = self.stages(F.relu(self.stem(x)))
        return self.head(F.adaptive_max_pool2d(x, 1).flatten(1).type_as(self.head.weight))

    def convolutions(self):
        return [layer for stage in self.stages for layer in stage.convolutions]

    def norms(self):
        return [layer for stage in self.stages for layer in stage.norms]

    def whiten(self, images, epsilon=5e-4):
        """Sets the stem to the whitening filters of 2x2 patches and their negatives (Page 2018, Jordan 2024)."""
        patches = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, images.shape[1] * 4)
        covariance = patches.T.double() @ patches.double() / len(patches)
        values, vectors = torch.linalg.eigh(covariance)
        filters = (vectors / (values + epsilon).sqrt()).T.float().reshape(-1, images.shape[1], 2, 2)
        self.stem.weight.data[:] = torch.cat([filters, -filters])

    @torch.no_grad()
    def folded(self):
        """The same function without its norms. One behind a MaxPool may move into the convolution before it because its
        scale is positive: max(s x + t) = s max(x) + t."""
        model = Classifier(*self.shape, normalised=False)
        model.stem, model.head = self.stem, self.head
        for into, convolution, norm in zip(model.convolutions(), self.convolutions(), self.norms()):
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            assert scale.min() > 0
            into.weight.copy_(convolution.weight * scale[:, None, None, None])
            into.bias.copy_(norm.bias - norm.running_mean * scale)
        return model
