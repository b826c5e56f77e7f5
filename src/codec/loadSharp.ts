/** sharp, loaded on first use because that takes 50 ms; one thread and no cache, since jobs run side by side. */
export const loadSharp = (() => {
  let loading: Promise<typeof import('sharp').default> | undefined
  return () => {
    loading ??= import('sharp').then(({ default: sharp }) => {
      sharp.cache(false)
      sharp.concurrency(1)
      return sharp
    })
    return loading
  }
})()
