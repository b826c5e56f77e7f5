/** Formats of the soft labels; labels.csv is always there. */
export const LABELS_FORMATS = ['csv', 'jsonl', 'parquet', 'sparse'] as const

export type LabelsFormat = (typeof LABELS_FORMATS)[number]
