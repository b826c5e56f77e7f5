/**
 * Sum of 1 / (p + q) over `columns` x `rows` pixels from `a` and `b` on, the padded reciprocals of the maps. Two pixels
 * share a division: 1/s + 1/t = (s + t) / (s t). Past the last column one of p and q must be 1e18 for 7 pixels.
 */
export function collisions(a: usize, b: usize, columns: i32, rows: i32, stride: usize): f64 {
  const row = usize(columns) * 4
  let low = f64x2.splat(0)
  for (; rows > 0; rows--) {
    let sum = f32x4.splat(0)
    for (let x: usize = 0; x < row; x += 32) {
      const s = f32x4.add(v128.load(a + x), v128.load(b + x))
      const t = f32x4.add(v128.load(a + x, 16), v128.load(b + x, 16))
      sum = f32x4.add(sum, f32x4.div(f32x4.add(s, t), f32x4.mul(s, t)))
    }
    low = f64x2.add(low, f64x2.promote_low_f32x4(sum))
    low = f64x2.add(low, f64x2.promote_low_f32x4(v128.shuffle<f32>(sum, sum, 2, 3, 2, 3)))
    a += stride
    b += stride
  }
  return f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1)
}

/** The largest of `count` (a multiple of 4) values. */
export function greatest(values: usize, count: i32): f32 {
  let most = f32x4.splat(-Infinity)
  for (const end = values + usize(count) * 4; values < end; values += 16) most = f32x4.pmax(most, v128.load(values))
  return max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  )
}

/** Writes the indices of all values of at least `threshold` to `to`, in ascending order; returns how many. */
export function collect(values: usize, count: i32, threshold: f32, to: usize): i32 {
  const start = to
  const thresholds = f32x4.splat(threshold)
  for (let i = 0; i < count; i += 4) {
    let hits = i32x4.bitmask(f32x4.ge(v128.load(values + usize(i) * 4), thresholds))
    for (; hits != 0; hits &= hits - 1) {
      store<i32>(to, i + ctz(hits))
      to += 4
    }
  }
  return i32(to - start) >> 2
}
