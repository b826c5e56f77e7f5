"""What the training scripts begin and end with."""
import argparse
import torch


def begin(epochs, *options):
    """-> the command line's folder, out, epochs, seed and further options; a generator of random numbers."""
    parser = argparse.ArgumentParser()
    parser.add_argument('folder')
    parser.add_argument('--out', required=True)
    parser.add_argument('--epochs', type=int, default=epochs)
    parser.add_argument('--seed', type=int, default=0)
    for option in options:
        parser.add_argument(option)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(2)
    return args, torch.Generator().manual_seed(args.seed)


def save(model, x, out):
    """Writes the weights as <out>.pt and the model as <out>.onnx, opset 17, with dynamic batch; x is a batch it takes."""
    torch.save(model.state_dict(), f'{out}.pt')
    torch.onnx.export(model, x.contiguous(), f'{out}.onnx', opset_version=17, dynamo=False, input_names=['input'],
                      output_names=['logits'], dynamic_axes={'input': {0: 'batch'}, 'logits': {0: 'batch'}})
