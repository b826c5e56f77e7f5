/** The command line's spelling of an option: `mixupAlpha` -> `--mixup-alpha`. */
export function flagOf(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** The words of a command line that give these options: none for what is undefined or false. */
export function wordsOf(options: Readonly<Record<string, unknown>>): string[] {
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false)
  return given.flatMap(([name, value]) => (value === true ? [flagOf(name)] : [flagOf(name), String(value)]))
}
