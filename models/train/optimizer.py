"""Muon (Jordan et al. 2024) for filters."""
import torch


def orthogonal(matrix, steps=3):
    """The nearest semi-orthogonal matrix, roughly: a quintic Newton-Schulz iteration on [rows, columns], in bfloat16."""
    x = (matrix / (matrix.norm() + 1e-7)).bfloat16()
    transposed = x.shape[0] > x.shape[1]
    x = x.T if transposed else x
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if transposed else x


class Muon(torch.optim.Optimizer):
    """Steps filters [out, in, h, w], kept at the norm sqrt(out), along orthogonalised Nesterov momentum."""

    def __init__(self, filters, lr, momentum):
        super().__init__(filters, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for filters in group['params']:
                average = self.state[filters].setdefault('average', torch.zeros_like(filters))
                average.mul_(group['momentum']).add_(filters.grad)
                direction = filters.grad.add(average, alpha=group['momentum'])
                filters.mul_(len(filters) ** 0.5 / filters.norm())
                filters.add_(orthogonal(direction.flatten(1)).view_as(filters), alpha=-group['lr'])
