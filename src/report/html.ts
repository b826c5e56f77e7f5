/** HTML that is safe by construction: only `html` makes it, and it escapes all that is not HTML yet. */

export class Html {
  readonly text: string

  /** `text` as it is: only for texts of our own. */
  constructor(text: string) {
    this.text = text
  }
}

type Value = string | number | Html | readonly Html[]

/** A template of HTML; strings in it are escaped for text and for quoted attributes, lists of HTML are joined. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings.reduce((text, string, i) => text + textOf(values[i - 1]!) + string))
}

function textOf(value: Value): string {
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(({ text }) => text).join('')
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** `some` where `condition` holds, else nothing. */
export function when(condition: boolean, some: () => Html): Html {
  return condition ? some() : new Html('')
}
