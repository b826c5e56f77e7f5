"""The bundled classifiers' architecture: a whitening stem and three pooled double-convolution stages."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Classifier(nn.Module):
    """[N, channels, H, W] normalised pixels -> [N, classes] logits; any H, W >= 16."""

    def __init__(self, channels, widths, classes, stem_width):
        super().__init__()
        self.stem = nn.Conv2d(channels, stem_width, 2)
        layers, width = [], stem_width
        for out in widths:
            layers += [nn.Conv2d(width, out, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(out), nn.ReLU(),
                       nn.Conv2d(out, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
            width = out
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.body(F.relu(self.stem(x)))
        return self.head(F.adaptive_max_pool2d(x, 1).flatten(1))

    def whiten(self, images, epsilon=5e-4):
        """Sets the stem to the whitening filters of 2x2 patches and their negatives (Page 2018, Jordan 2024)."""
        patches = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, images.shape[1] * 4)
        covariance = patches.T.double() @ patches.double() / len(patches)
        values, vectors = torch.linalg.eigh(covariance)
        filters = (vectors / (values + epsilon).sqrt()).T.float().reshape(-1, images.shape[1], 2, 2)
        self.stem.weight.data[:] = torch.cat([filters, -filters])
