/** The methods by the names that users give them, apart from the methods so that --help need not load those. */
export const METHOD_NAMES = ['sage', 'mixup', 'cutmix', 'smoothmix', 'saliencymix', 'puzzlemix', 'comixup'] as const

export type MethodName = (typeof METHOD_NAMES)[number]
