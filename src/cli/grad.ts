import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { readModelFile } from '../classifiers/modelFile.js'
import { parseSize } from '../core/size.js'
import { requirePlace } from '../run/paths.js'
import { gradientModel } from '../saliency/gradientModel.js'
import type { Invocation } from './invocation.js'

/** `sage-augment grad <model.onnx> --out <grad.onnx>`: writes the differentiated model. */
export async function gradCommand({ words: [file], own, report }: Invocation<'grad'>): Promise<void> {
  const { out, loss, wrt, output, size } = own
  await requirePlace(out, [file])
  const [width, height] = size === undefined ? [] : parseSize(size)
  const bytes = await gradientModel(await readModelFile(file!), path.basename(file!), {
    loss,
    ...(wrt !== undefined && { wrt }),
    ...(output !== undefined && { output }),
    ...(width && height && { size: { width, height } }),
  })
  await writeFile(out, bytes)
  report.done({ out, bytes: bytes.length }, `${out}: written`)
}
