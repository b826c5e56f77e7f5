/** The command line's spelling of an option: `mixupAlpha` -> `--mixup-alpha`. */
export function flagOf(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
