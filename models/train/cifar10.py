#!/usr/bin/python3
"""Trains the bundled CIFAR-10 classifier on two CPU cores and exports it.

    python cifar10.py <folder with train/ and test/ class folders> --out teacher
    python cifar10.py <the same folder> --out first --teacher teacher.pt --epochs 30
    python cifar10.py <the same folder> --out ../cifar10 --teacher teacher.pt --refine first.training.pt --epochs 14 --seed 1

The second command trains a net of less than half the cost that agrees with the first on every picture as it was flipped,
shifted and cut (Hinton et al. 2015, Beyer et al. 2022), the third goes on from there with half the rates, and ends a quarter
of the way back (Wortsman et al. 2022). Needs torch, onnx and pillow, and a processor with bfloat16 products
to be fast. Writes <out>.onnx (opset 17, dynamic batch, filters as int8 with a scale for each output) and <out>.pt (the
weights, for reference.py and --teacher). Muon for the filters, SGD for the rest, all rates falling to zero; flips in turn,
shifts, cut-out squares, label smoothing. The test split is only looked at for the log, but
for KEPT: of none, a quarter and a half. With glibc,
MALLOC_MMAP_THRESHOLD_=8000000000 MALLOC_TRIM_THRESHOLD_=16000000000 (the bundled runs had both) keep freed memory for the
next step.
"""
import time
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from network import SHAPES, Classifier
from optimizer import Muon
from pictures import accuracy, cut, flipped, normalised, shifted
from training import begin, save

BATCH, SHIFT, HOLE, TEMPERATURE = 1000, 3, 10, 9
SMOOTHING, TRUST = 0.2, 0.7  # of labels; the teacher's share in what is learnt
REFINING, KEPT = 0.5, 0.25  # shares of the rates, and of the weights refined from in the result
FILTER_RATE, BIAS_RATE, HEAD_RATE = 0.2, 30, 1.3
WARM, PLAIN = 0.03, 0.12  # shares of the steps: rising rates at first, whole pictures at last


def optimizers(model):
    decay = 2e-6 * BATCH
    group = lambda parameters, rate: dict(params=parameters, lr=rate, weight_decay=decay / rate)
    sgd = torch.optim.SGD([group([norm.bias for norm in model.norms()], BIAS_RATE),
                           group(list(model.head.parameters()), HEAD_RATE)], lr=1, momentum=0.85, nesterov=True)
    return [sgd, Muon([layer.weight for layer in model.convolutions()], FILTER_RATE, momentum=0.6)]


def classifier(x, classes, shape):
    model = Classifier(x.shape[1], classes=classes, **SHAPES[shape])
    model.whiten(x[:5000])
    model.stem.bias.data.zero_()
    model.stem.requires_grad_(False)
    for layer in model.convolutions():
        torch.nn.init.dirac_(layer.weight.data[:layer.in_channels])
    for norm in model.norms():
        norm.weight.requires_grad_(False)
    return model.to(memory_format=torch.channels_last).train()


def taught(path, classes):
    """The classifier saved at `path` by an earlier run, as a function from pictures to probabilities; None without a path."""
    if path is None:
        return None
    model = Classifier(3, classes=classes, normalised=False, **SHAPES['cifar10-teacher'])
    model.load_state_dict(torch.load(path))
    model.eval().to(memory_format=torch.channels_last)

    @torch.no_grad()
    def probabilities(x):
        with bfloat16():
            return model(x).float().softmax(1)
    return probabilities


def bfloat16():
    return torch.autocast('cpu', torch.bfloat16)


def loss_of(logits, labels, teacher, inputs):
    """The cross-entropy with smoothed labels, mixed with that with the teacher's probabilities where there is one."""
    loss = F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
    return loss if teacher is None else (1 - TRUST) * loss + TRUST * F.cross_entropy(logits, teacher(inputs))


def train(model, x, y, epochs, generator, teacher=None, refining=False):
    """Trains in place; yields (epoch, mean loss, share of hits) after each epoch."""
    stepping = optimizers(model)
    share = REFINING if refining else 1
    peaks = [[share * group['lr'] for group in optimizer.param_groups] for optimizer in stepping]
    steps = len(x) // BATCH
    first_flip = torch.rand(len(x), generator=generator) < 0.5
    for epoch in range(epochs):
        order, loss_sum, hits = torch.randperm(len(x), generator=generator), 0, 0
        for step, some in enumerate(order[:steps * BATCH].split(BATCH)):
            done = (epoch + step / steps) / epochs
            inputs = shifted(flipped(x[some], first_flip[some] ^ (epoch % 2 == 1)), SHIFT, generator)
            inputs = inputs if done >= 1 - PLAIN else cut(inputs, HOLE, generator)
            inputs = inputs.contiguous(memory_format=torch.channels_last)
            with bfloat16():
                logits = model(inputs).float() / TEMPERATURE
            loss = loss_of(logits, y[some], teacher, inputs)
            model.zero_grad(set_to_none=True)
            loss.backward()
            for optimizer, rates in zip(stepping, peaks):
                for group, rate in zip(optimizer.param_groups, rates):
                    group['lr'] = rate * min(1 - done, done / WARM + 0.01)
                optimizer.step()
            loss_sum, hits = loss_sum + loss.item(), hits + (logits.argmax(1) == y[some]).sum().item()
        yield epoch + 1, loss_sum / steps, hits / (steps * BATCH)


def int8(filters):
    """[K, ...] float32 -> int8 and scales [K, 1, ...], the largest magnitude of each output 127."""
    scale = filters.abs().amax(tuple(range(1, filters.dim())), keepdim=True) / 127
    return (filters / scale).round().to(torch.int8), scale


def averaged(before, after):
    """The weights between two trainings of one network; its counts are those after."""
    return {name: KEPT * before[name] + (1 - KEPT) * value if value.is_floating_point() else value
            for name, value in after.items()}


@torch.no_grad()
def finish(model, x):
    """The trained classifier with filters that int8 can hold, its norms those of whole pictures, folded away."""
    for layer in model.convolutions():
        values, scale = int8(layer.weight)
        layer.weight.copy_(values * scale)
    for norm in model.norms():
        norm.reset_running_stats()
        norm.momentum = None
    for batch in x[torch.randperm(len(x))[:12000]].split(1000):
        model(torch.cat([batch[:500], batch[500:].flip(3)]))
    for parameter in model.head.parameters():
        parameter /= TEMPERATURE
    return model.to(memory_format=torch.contiguous_format).folded().eval()


def shrink(path):
    """Stores the filters of an ONNX file as int8, multiplied by their scales when it is loaded."""
    stored = onnx.load(path)
    for tensor in [t for t in stored.graph.initializer if t.name.startswith('stages') and len(t.dims) == 4]:
        name = tensor.name
        values, scale = int8(torch.from_numpy(numpy_helper.to_array(tensor).copy()))
        tensor.CopyFrom(numpy_helper.from_array(values.numpy(), f'{name}.int8'))
        stored.graph.initializer.append(numpy_helper.from_array(scale.numpy(), f'{name}.scale'))
        stored.graph.node.insert(0, helper.make_node('Mul', [f'{name}.float', f'{name}.scale'], [name]))
        stored.graph.node.insert(0, helper.make_node('Cast', [f'{name}.int8'], [f'{name}.float'], to=TensorProto.FLOAT))
    onnx.checker.check_model(stored)
    onnx.save(stored, path)


def main():
    args, generator = begin(40, '--teacher', '--refine')
    (x, y), (tx, ty), classes = normalised('cifar10', args.folder)
    teacher, started = taught(args.teacher, len(classes)), time.time()
    model = classifier(x, len(classes), 'cifar10' if teacher else 'cifar10-teacher')
    if args.refine is not None:
        model.load_state_dict(torch.load(args.refine))
    for epoch, loss, hits in train(model, x, y, args.epochs, generator, teacher, args.refine is not None):
        print(f'epoch {epoch}/{args.epochs} {time.time() - started:.0f} s loss {loss:.3f} train {hits:.4f}', flush=True)
        torch.save(model.state_dict(), f'{args.out}.training.pt')
    if args.refine is not None:
        model.load_state_dict(averaged(torch.load(args.refine), model.state_dict()))
    model = finish(model, x)
    print(f'test {accuracy(model, tx, ty):.4f}')
    save(model, tx[:2], args.out)
    shrink(f'{args.out}.onnx')


if __name__ == '__main__':
    main()
