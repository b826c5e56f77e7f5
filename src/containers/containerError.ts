/** What is wrong with a container, as "found ..., expected ...": whoever opened it knows what to call it. */
export class ContainerError extends Error {
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** Throws where a name inside an archive leads out of it; nothing is unpacked, but such an archive is not to be trusted. */
export function checkInnerName(name: string): void {
  if (/^([\\/]|[A-Za-z]:[\\/])|(^|[\\/])\.\.([\\/]|$)/.test(name)) {
    throw new ContainerError(`found the name ${JSON.stringify(name)}, expected names below the archive`)
  }
}
