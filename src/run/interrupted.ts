/** Thrown when a `signal` was aborted; what is finished is kept, and the same call continues. */
export class Interrupted extends Error {}
