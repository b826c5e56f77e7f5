/** A time as people say it: `40 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`; never less than a second. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return joined(whole, 60, 'min', 's')
  const minutes = Math.round(whole / 60)
  if (minutes < 24 * 60) return joined(minutes, 60, 'h', 'min')
  return joined(Math.round(minutes / 60), 24, 'd', 'h')
}

function joined(value: number, per: number, large: string, small: string): string {
  const rest = value % per
  return `${Math.floor(value / per)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`
}
