/** How a model file is described. */
import { z } from 'zod'

/** What stands beside a model file: how its input is made from 8-bit RGB pixels, and its classes. */
export const descriptorSchema = z.object({
  /** Entry n is the name of logit n, or its names; `imagenet`: those of ILSVRC 2012. Without, only `--target predicted` is possible. */
  classes: z.union([z.array(z.union([z.string(), z.array(z.string()).min(1)])), z.literal('imagenet')]).optional(),
  /** input = (pixel * scale - mean) / std, per channel in the model's colour order; ImageNet's for a float input. */
  scale: z.number().positive().optional(),
  mean: z.array(z.number()).optional(),
  std: z.array(z.number().positive()).optional(),
  /** Shown by the sizes of the input, where these are fixed. */
  layout: z.enum(['nchw', 'nhwc']).optional(),
  colorOrder: z.enum(['rgb', 'bgr']).optional(),
  /** Needed where the model's own height and width are dynamic. */
  width: z.int().positive().optional(),
  height: z.int().positive().optional(),
  /** Of a model with more inputs than the picture: what the others are given, all elements or one number for each. */
  inputs: z.record(z.string(), z.union([z.number(), z.array(z.number())])).optional(),
  licence: z.string().optional(),
})

export type Descriptor = Omit<z.infer<typeof descriptorSchema>, 'classes'> & { classes?: ClassNames | undefined }

/** The names of every class of a model, in the order of its logits. */
export type ClassNames = readonly (string | readonly string[])[]
