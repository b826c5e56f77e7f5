/** The options as the library takes them. Made from the tables of this folder: npm run generate */

/** The options of a run. */
export interface ConfigInput {
  /** Folder of pictures, or a file that holds many. A `.parquet`, `.tar`, `.zip` or `.npz`, a CIFAR binary or an idx file, or a pattern of such files: `shards/{0000..0999}.tar`. Or `s3://bucket/prefix`. docs/inputs.md has them all. */
  images?: string | undefined
  /** New, or an interrupted run to continue. A new or empty folder, or a run of sage-augment: an interrupted one is continued by repeating the command, `overwrite` starts over. `{shard}` in it becomes `1-of-8`. Or `s3://bucket/prefix`, with the layouts webdataset and parquet. Default: aug. */
  out?: string | undefined
  /** CSV or JSON of labels. Else `labels.csv`, `metadata.csv`, `metadata.jsonl` or `labels.json` in the folder of pictures, else one folder per class. Default: found, else folders. */
  labels?: string | undefined
  /** Class names, one per line, for integer labels. */
  classes?: string | undefined
  /** Split of the pictures to read. A folder (`train/cat/1.jpg`, `cat/train/1.jpg`), the value of a column `split`, a part of the names of Parquet files or tars, or the prefix of arrays. `all` takes every row or file. Default: that for training. */
  split?: string | undefined
  /** A picture may show several classes, or none. Columns of 0 and 1, or `cat|dog` in the label column. The label of a mix is the mean of both by their shares, class by class, for binary cross-entropy. */
  multiLabel?: boolean | undefined
  /** Read what symbolic links point to. Pictures and folders, wherever they lie. Without it links that leave the folder of pictures are refused. */
  followLinks?: boolean | undefined
  /** Explicit pairs, or an earlier provenance.jsonl. */
  pairs?: string | undefined
  /** Number of mixes. Default: one per picture and epoch. */
  count?: number | undefined
  /** Passes over the pictures. An epoch makes one mix of every picture: each is sample once and partner once. Default: 1. */
  epochs?: number | undefined
  /** Which pictures are mixed together. Default: any. */
  pairing?: 'any' | 'different-class' | 'same-class' | undefined
  /** How often classes are drawn. `none`: every picture as often, so that classes stay as they are; `classes`: every class as often; `sqrt`: in proportion to the root of its pictures. The number of mixes stays the same. The pictures of a class are drawn alike. Default: none. */
  balance?: 'none' | 'classes' | 'sqrt' | undefined
  /** Same seed, same output. Default: 0. */
  seed?: number | undefined
  /** Size of the mixes in pixels. The partner is resized to cover it and cropped. Default: the sample's own size. */
  size?: string | undefined
  /** Values of 16-bit grey that become black and white. `full`: 0 and 65535. `auto`: the smallest and the largest of each picture. `dataset`: the smallest and the largest of all pictures, which are read one more time for this. `100:4095`: these two. X-rays and micrographs often use 10 to 14 of the 16 bits and are nearly black with `full`. Default: full. */
  range?: string | undefined
  /** Format of the pictures. JPEG with 4:4:4 chroma. Default: jpeg. */
  format?: 'jpeg' | 'png' | undefined
  /** JPEG quality. 1 to 100; default: 95. */
  quality?: number | undefined
  /** Format of the soft labels. Other than `csv`: also writes `labels.jsonl` or `labels.parquet`, with the columns of `labels.csv`, or `labels_sparse.csv`: names, indices and weights of the classes that a picture has, for data sets of many classes. Default: csv. */
  labelsFormat?: 'csv' | 'jsonl' | 'parquet' | 'sparse' | undefined
  /** Layout of the output folder. `class-folders`: below `images/<index of the heaviest class>/`; `webdataset`: tar shards, `parquet`: Parquet shards that Hugging Face reads as they are; both without a file for each picture. Default: flat. */
  layout?: 'flat' | 'class-folders' | 'webdataset' | 'parquet' | undefined
  /** Also write every picture unmixed. They come after the mixes. */
  includeOriginals?: boolean | undefined
  /** Also write every mask, as masks/*.npy. A mask holds the sample's weight at every pixel. */
  writeMasks?: boolean | undefined
  /** Also write report.html and a contact sheet. The contact sheet shows 60 mixes: `.sage/contact-sheet.png`, where no loader takes it for one of the pictures. On a finished or merged run the same command with `report` writes just these. */
  report?: boolean | undefined
  /** How to mix. Default: sage. */
  method?: 'sage' | 'mixup' | 'cutmix' | 'smoothmix' | 'saliencymix' | 'puzzlemix' | 'comixup' | undefined
  /** Exact, none or sample:<fraction>. `exact` searches all shifts, `none` moves nothing, `sample:0.01` searches a random 1 % of the shifts, as in the paper. Default: exact. */
  shift?: string | undefined
  /** Pixels between the shifts that are tried. 1 to 9999; default: one cell of the maps. */
  shiftStep?: number | undefined
  /** Kind of saliency map. `cam`: class activation map, where the head of the model is a pooling, then only linear layers; `gradcam`, `layercam`: of an inner layer; `gradient`: of the input, as the paper has it, with a cell for each pixel of the input; `spectral`: spectral residuals, which need no model. `auto`: `gradient` for inputs of at most 64 pixels, else `cam`, else `gradcam`. Default: auto. */
  saliency?: 'auto' | 'cam' | 'gradcam' | 'layercam' | 'gradient' | 'spectral' | undefined
  /** Inner layer that gradcam and layercam read. `gradcam`: the last layer of at least 4 cells per side; `layercam`: the last one finer than that. `inspect` lists all. Default: chosen. */
  layer?: string | undefined
  /** Cells of a map, or input. `input`: a cell for each pixel of the input of the model, which is the default of `gradient`. Default: at most 32 a side. */
  grid?: string | undefined
  /** Blur of the maps, in cells. The larger of the two; with `--grid input` it is 1. 0 to 1000; default: 1, or a 32nd of the longer side. */
  blurSigma?: number | undefined
  /** Width of the blur, odd, or 0 for none. 0 to 9999; default: 2 sigma to each side. */
  blurKernel?: number | undefined
  /** The score that a map explains. `ce`, `bce`: what sets the class apart from the others; `logit`: the logit of the class alone, as in most papers on class activation maps. Default: ce. */
  loss?: 'ce' | 'bce' | 'logit' | undefined
  /** The class that a map explains. `auto`: the sample's label where the model knows every class, else the model's own prediction. Default: auto. */
  target?: 'auto' | 'label' | 'predicted' | undefined
  /** Norm of the gradient over channels. Default: mean. */
  channelNorm?: 'mean' | 'l2' | undefined
  /** Go on if no gradient reaches the pictures. Without it, a run stops before it writes anything if the maps of the first pictures are all uniform. */
  allowUniform?: boolean | undefined
  /** A name or an .onnx file. `cifar10`, `fashion-mnist`, `general` (ImageNet), a pulled model or a file; `auto` takes the bundled model that knows your classes at the size of your pictures. If there is none, it takes `cifar10` for pictures of at most 64 pixels, else `general`. Default: auto. */
  model?: string | undefined
  /** Output of the model that holds the logits. */
  output?: string | undefined
  /** Input = (pixel / 255 - mean) / std. Default: the model's .json. */
  mean?: number[] | undefined
  /** See --mean. Default: the model's .json. */
  std?: number[] | undefined
  /** Order of the axes of the input. Default: the model's .json. */
  inputLayout?: 'nchw' | 'nhwc' | undefined
  /** Order of the channels of the input. Default: the model's .json. */
  colorOrder?: 'rgb' | 'bgr' | undefined
  /** Size of the input, if the model does not fix it. Default: the model's .json. */
  inputSize?: string | undefined
  /** JSON file: your classes to classes of the model. */
  classMap?: string | undefined
  /** Device for maps. `auto`: CUDA where it starts, else the CPU, and the run says which. Default: auto. */
  device?: 'auto' | 'cuda' | 'webgpu' | 'cpu' | undefined
  /** Full float32 on CUDA, no TF32. */
  exact?: boolean | undefined
  /** Threads; never changes the output. 1 to 1024; default: all cores it may use. */
  jobs?: number | undefined
  /** Pictures per inference; never changes the output. 1 to 4096; default: what fits. */
  batch?: number | undefined
  /** Keep saliency maps for later runs. A folder, for any number of runs at a time. Another run, another method, `saliency` and `compare` take from it the maps of the same pictures, model and options, and make the same data set as without it. Default: none are kept. */
  cache?: string | undefined
  /** Gigabytes of maps that are kept. Those go that have not been used for longest. A map of 32 x 32 takes 4 KB. Default: 10. */
  cacheSize?: number | undefined
  /** Refuse larger pictures. Default: 268402689. */
  maxPixels?: number | undefined
  /** First fit your classes on the features of the model. All pictures of the run are used, as `sage-augment adapt` does; `auto` then means `general`. The maps explain your labels. The output keeps the new classifier as `.sage/adapted.onnx`: the same command continues with it, and `model` takes it. Not with `pairs` or `shard`. */
  adapt?: boolean | undefined
  /** Part i of n; auto or auto/<n> in a cluster. `auto`: the index of an array job, and its count where the engine tells it for sure; `auto/8`, `auto/0-7` or `auto/1-15:2`: of the array that was submitted, also to repeat some of its tasks. docs/clusters.md has a line for each engine. */
  shard?: string | undefined
  /** Stop at a picture that cannot be used. Else it is skipped and counted. */
  strict?: boolean | undefined
  /** Try again the outputs that an earlier attempt skipped. */
  retryFailed?: boolean | undefined
  /** Start over, replacing an earlier run. */
  overwrite?: boolean | undefined
  /** Check everything, write nothing. Checks the inputs, the model, the device and the free disk space, and tells how long the run will take: a few outputs are made, timed and thrown away. */
  dryRun?: boolean | undefined
  /** A dry run that draws its first n mixes. Sample, partner, their maps, mask and mix go to `<out>-preview.png` beside the output folder, which is not begun. The run itself makes the same mixes. 1 to 200. */
  preview?: number | undefined
  /** Parameters of the method; the defaults are those of its paper. */
  parameters?: Record<string, number | string> | undefined
}

/** What `saliency` draws beside the maps that mixing uses. */
export interface MapOptions {
  /** Also write the maps as numbers, in maps/. `npy`: float32; `png16`: 16 bits, 65535 is the largest value of the map. */
  raw?: 'npy' | 'png16' | undefined
  /** SmoothGrad: the mean over n noisy copies. 1 to 1000. */
  smooth?: number | undefined
  /** The gradient times the input. The normalised input (Shrikumar et al. 2016, arXiv 1605.01713). */
  timesInput?: boolean | undefined
  /** Integrated gradients in n steps. Sundararajan et al. 2017, arXiv 1703.01365: of the logit of the label, from the picture of the model's mean colour; `loss` plays no part. Not with `smooth` or `timesInput`. 1 to 1000. */
  integrated?: number | undefined
}
