// HTML by template, where every value is escaped unless it is markup made the same way.
import { visible } from '../visible.ts'

/** Markup that was made by `html`: safe to put into markup. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type Value = Markup | readonly Markup[] | string | number | undefined

/** `html\`<td>${cell}</td>\``; `undefined` writes nothing. Attribute values must stand in double quotes. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  let text = parts[0] ?? ''
  for (const [index, value] of values.entries()) text += write(value) + (parts[index + 1] ?? '')
  return new Markup(text)
}

function write(value: Value): string {
  if (value === undefined) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'object') return value.map((markup) => markup.text).join('')
  return escapeMarkup(String(value))
}

/** Good for HTML and XML, in text and in quoted attributes. */
export function escapeMarkup(text: string): string {
  return visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
