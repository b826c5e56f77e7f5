/** The folders in the root that files lie in, in the order of their first ones. */
export function classesIn(files: Iterable<string>): Set<string> {
  const names = new Set<string>()
  let start = '/'
  for (const file of files) {
    // Most lie where the one before does.
    if (file.startsWith(start)) continue
    const name = classOf(file)
    names.add(name)
    start = `${name}/`
  }
  return names
}

/** The folder in the root that a file lies in. */
export function classOf(file: string): string {
  return file.slice(0, file.indexOf('/'))
}
