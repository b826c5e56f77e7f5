/** The classifiers that `models pull` knows: float32 ones of the ONNX Model Zoo, trained on ImageNet (ILSVRC 2012). */

/** A classifier of the zoo. Bytes, SHA-256 and opset are those of the zoo's own index, ONNX_HUB_MANIFEST.json. */
export interface ZooModel {
  readonly name: string
  /** Below the root of the zoo and of every mirror of it. */
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  readonly opset: number
  readonly licence: string
  /** Top-1 accuracy on ImageNet's validation pictures in percent, as the zoo gives it. */
  readonly top1: number
  /** Where the zoo does not say how the input is made. */
  readonly note?: string
  /** How the input is made, as in the .json beside a model. */
  readonly input: {
    readonly width: number
    readonly height: number
    readonly layout: 'nchw' | 'nhwc'
    readonly colorOrder: 'rgb' | 'bgr'
    readonly scale: number
    readonly mean: readonly number[]
    readonly std: readonly number[]
  }
}

/** Where the zoo has been since July 2025, when its own repository stopped serving the files. */
export const ZOO_ROOT = 'https://huggingface.co/onnxmodelzoo/legacy_models/resolve/main/'

const VISION = 'validated/vision/classification'

/** Mean and deviation over ImageNet, of pixels / 255. */
const imagenet: ZooModel['input'] = {
  width: 224,
  height: 224,
  layout: 'nchw',
  colorOrder: 'rgb',
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
}

export const zoo: readonly ZooModel[] = [
  {
    name: 'squeezenet1.1',
    path: `${VISION}/squeezenet/model/squeezenet1.1-7.onnx`,
    bytes: 4_956_208,
    sha256: '1eeff551a67ae8d565ca33b572fc4b66e3ef357b0eb2863bb9ff47a918cc4088',
    opset: 7,
    licence: 'Apache-2.0',
    top1: 56.34,
    input: imagenet,
  },
  {
    name: 'mobilenetv2',
    path: `${VISION}/mobilenet/model/mobilenetv2-12.onnx`,
    bytes: 13_964_571,
    sha256: 'c0c3f76d93fa3fd6580652a45618618a220fced18babf65774ed169de0432ad5',
    opset: 12,
    licence: 'Apache-2.0',
    top1: 69.48,
    input: imagenet,
  },
  {
    name: 'densenet121',
    path: `${VISION}/densenet-121/model/densenet-12.onnx`,
    bytes: 32_726_877,
    sha256: '0294e7e88e5b3360de9b0fdc321baf9e6ef18b7f058c4536caae3b9f18ed9ed5',
    opset: 12,
    licence: 'MIT',
    top1: 60.96,
    note: 'the zoo does not say how to prepare the input: this is how OpenVINO describes it for the Caffe original',
    input: {
      ...imagenet,
      colorOrder: 'bgr',
      scale: 1,
      mean: [103.94, 116.78, 123.68],
      std: [1, 1, 1].map((x) => x / 0.017),
    },
  },
  {
    name: 'resnet18',
    path: `${VISION}/resnet/model/resnet18-v1-7.onnx`,
    bytes: 46_820_737,
    sha256: '4e8f8653e7a2222b3904cc3fe8e304cd8b339ce1d05fd24688162f86fb6df52c',
    opset: 7,
    licence: 'Apache-2.0',
    top1: 69.93,
    input: imagenet,
  },
  {
    name: 'efficientnet-lite4',
    path: `${VISION}/efficientnet-lite4/model/efficientnet-lite4-11.onnx`,
    bytes: 51_946_641,
    sha256: 'd111689907c06eea7c82e4833ddef758da6453b9d4cf60b7e99ca05c7cbd9c12',
    opset: 11,
    licence: 'MIT',
    top1: 80.4,
    input: { ...imagenet, layout: 'nhwc', scale: 1, mean: [127, 127, 127], std: [128, 128, 128] },
  },
  {
    name: 'resnet50',
    path: `${VISION}/resnet/model/resnet50-v1-12.onnx`,
    bytes: 102_576_593,
    sha256: '3f03fdef724b22947eed826f1eef1dc5c34151bb4c37d634f1db89dfa2dd1526',
    opset: 12,
    licence: 'Apache-2.0',
    top1: 74.97,
    input: imagenet,
  },
]
