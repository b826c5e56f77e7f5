"""3 x 3 convolutions that train faster than PyTorch 1.13's own on CPUs, in bfloat16."""
import torch
import torch.nn as nn
import torch.nn.functional as F

MANY = 192  # channels from which nine products take less time than PyTorch's own


def towards_filters(x, cotangent):
    """x [N, C, H, W], cotangent [N, K, H, W] -> [K, C, 3, 3], as nine products. Rows end and pictures start with a zero, so
    that a neighbour is a fixed distance away in the flat list of pixels, and is zero outside."""
    flat = lambda t: F.pad(t.permute(0, 2, 3, 1), (0, 0, 0, 1, 0, 1)).reshape(-1, t.shape[1])
    pixels, cotangents, row = flat(x), flat(cotangent), x.shape[3] + 1

    def product(distance):
        first, last = max(0, -distance), len(pixels) - max(0, distance)
        return cotangents[first:last].t() @ pixels[first + distance:last + distance]

    filters = [product(dy * row + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return torch.stack(filters, -1).view(cotangent.shape[1], x.shape[1], 3, 3)


class Convolution(torch.autograd.Function):
    """x [N, C, H, W], filters [K, C, 3, 3] -> [N, K, H, W], stride 1, padding 1."""

    @staticmethod
    def forward(ctx, x, filters):
        ctx.save_for_backward(x, filters)
        return F.conv2d(x, filters, padding=1)

    @staticmethod
    def backward(ctx, cotangent):
        x, filters = ctx.saved_tensors
        towards_x = F.conv2d(cotangent, filters.flip(2, 3).transpose(0, 1), padding=1) if ctx.needs_input_grad[0] else None
        if x.shape[1] >= MANY:
            return towards_x, towards_filters(x, cotangent)
        _, gradient, _ = torch.ops.aten.convolution_backward(
            cotangent, x, filters, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [False, True, False])
        return towards_x, gradient


class BfloatConv2d(nn.Conv2d):
    """A Conv2d without bias, its products in bfloat16 and its filters in float32: any floats -> bfloat16."""

    def forward(self, x):
        return Convolution.apply(x.bfloat16(), self.weight.bfloat16())
