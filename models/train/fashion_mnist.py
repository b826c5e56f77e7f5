#!/usr/bin/python3
"""Trains the bundled Fashion-MNIST classifier on a CPU and exports it.

    python fashion_mnist.py /usr/share/datasets/fashion-mnist --out ../fashion-mnist

Needs torch and pillow. Writes <out>.onnx (opset 17, dynamic batch, float32) and <out>.pt (the
weights, for reference.py). SGD with Nesterov momentum, one triangular learning-rate cycle, flips, shifts and
label smoothing; the test split is only looked at for the log.
"""
import time
import torch
import torch.nn.functional as F
from network import SHAPES, Classifier
from pictures import accuracy, flipped, normalised, shifted
from training import begin, save

BATCH, PEAK, DECAY, SHIFT = 256, 0.25, 5e-4, 2


def train(model, x, y, epochs, generator):
    """Trains in place; yields (epoch, last loss) after each epoch."""
    steps_an_epoch = len(x) // BATCH
    steps = epochs * steps_an_epoch
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1, momentum=0.9,
                                nesterov=True, weight_decay=DECAY)
    rate = lambda step: PEAK * min(step / (0.2 * steps), (steps - step) / (0.8 * steps)) + 1e-4
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(x), generator=generator)
        for some in order[:steps_an_epoch * BATCH].split(BATCH):
            flip = torch.rand(BATCH, generator=generator) < 0.5
            inputs = shifted(flipped(x[some], flip), SHIFT, generator).contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(model(inputs), y[some], label_smoothing=0.1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
        yield epoch + 1, loss.item()


def main():
    args, generator = begin(epochs=9)
    (x, y), (tx, ty), classes = normalised('fashion-mnist', args.folder)
    model = Classifier(x.shape[1], classes=len(classes), **SHAPES['fashion-mnist'])
    model.whiten(x[:5000])
    model.stem.weight.requires_grad_(False)
    model.to(memory_format=torch.channels_last)
    started = time.time()
    for epoch, loss in train(model, x, y, args.epochs, generator):
        print(f'epoch {epoch}/{args.epochs} {time.time() - started:.0f} s loss {loss:.3f} '
              f'test {accuracy(model, tx, ty):.4f}', flush=True)

    save(model.to(memory_format=torch.contiguous_format).eval(), x[:2], args.out)


if __name__ == '__main__':
    main()
