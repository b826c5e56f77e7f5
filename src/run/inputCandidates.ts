/** The ways to make a classifier's input that are worth trying. */
import type { Descriptor } from '../classifiers/descriptor.js'
import type { Preprocessing } from '../classifiers/preprocessing.js'
import { readModel } from '../onnx/model.js'
import { isInteger } from '../onnx/tensor.js'
import { pictureInput } from '../saliency/pictureInput.js'

/** A classifier whose input is to be found out. */
export interface Unknown {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly name: string
  readonly descriptor: Descriptor
  /** Who gave the descriptor. */
  readonly told: string
  readonly output: string | undefined
}

export interface Candidate {
  readonly name: string
  readonly preprocessing: Preprocessing
  /** Whether it is what is said of the model. */
  readonly isTold: boolean
}

interface Scaling {
  readonly name: string
  readonly scale: number
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** What is in use. */
function scalings(channels: number): Scaling[] {
  const alike = (name: string, scale: number, mean: number, std: number): Scaling => ({
    ...{ name, scale },
    mean: Array<number>(channels).fill(mean),
    std: Array<number>(channels).fill(std),
  })
  const plain = [
    alike('[0, 1]', 1 / 255, 0, 1),
    alike('[-1, 1]', 1 / 255, 0.5, 0.5),
    alike('0 to 255', 1, 0, 1),
    alike('-128 to 127', 1, 128, 1),
  ]
  return [...plain, ...(channels === 1 ? GREY : COLOUR)]
}

const GREY: readonly Scaling[] = [{ name: 'MNIST', scale: 1 / 255, mean: [0.1307], std: [0.3081] }]

const COLOUR: readonly Scaling[] = [
  { name: 'ImageNet', scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  {
    name: 'CLIP',
    scale: 1 / 255,
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
  },
  { name: 'Caffe', scale: 1, mean: [123.68, 116.779, 103.939], std: [1, 1, 1] },
]

/** Whether a description says anything of how pixels become the input. */
export const saysPixels = ({ scale, mean, std, colorOrder }: Descriptor): boolean =>
  [scale, mean, std, colorOrder].some((value) => value !== undefined)

/** What is said of the input, as a run would take it; null where nothing is. */
function toldReading({ bytes, name, descriptor, told }: Unknown): Candidate | null {
  const { scale, mean, std, layout, colorOrder, width, height } = descriptor
  if (!saysPixels(descriptor)) return null
  const preprocessing = { scale, mean, std, layout, colorOrder }
  const input = pictureInput(readModel(bytes, name), { preprocessing, width, height })
  return { name: `as ${told} says`, preprocessing: input.preprocessing, isTold: true }
}

const isSame = (a: Preprocessing, b: Preprocessing) =>
  (Object.keys(a) as (keyof Preprocessing)[]).every((key) => String(a[key]) === String(b[key]))

/** The usual scales, means and orders of the channels, and what is said of the input, which may be one of them. */
export function candidatesOf(model: Unknown): Candidate[] {
  const told = toldReading(model)
  const usual = usualOf(model)
  if (told === null) return usual
  const isUsual = ({ preprocessing }: Candidate) => isSame(preprocessing, told.preprocessing)
  const marked = usual.map((one) => (isUsual(one) ? { ...one, name: `${one.name}, ${told.name}`, isTold: true } : one))
  return usual.some(isUsual) ? marked : [told, ...usual]
}

function usualOf({ bytes, name, descriptor }: Unknown): Candidate[] {
  const { width, height, layout: given } = descriptor
  const model = readModel(bytes, name)
  const { dtype, channels, preprocessing } = pictureInput(model, {
    // Any scale will do for what is asked here.
    preprocessing: { layout: given, scale: 1 },
    ...{ width, height },
  })
  const { layout } = preprocessing
  const orders = channels === 1 ? (['rgb'] as const) : (['rgb', 'bgr'] as const)
  return scalings(channels)
    .filter(({ scale }) => !isInteger(dtype) || scale === 1)
    .flatMap(({ name, ...scaling }) =>
      orders.map((colorOrder) => ({
        name: channels === 1 ? name : `${name}, ${colorOrder.toUpperCase()}`,
        preprocessing: { ...inOrder(scaling, colorOrder), layout, colorOrder },
        isTold: false,
      })),
    )
}

/** Mean and deviation go by the model's order of the channels. */
function inOrder({ scale, mean, std }: Omit<Scaling, 'name'>, order: 'rgb' | 'bgr') {
  return order === 'rgb' ? { scale, mean, std } : { scale, mean: [...mean].reverse(), std: [...std].reverse() }
}
