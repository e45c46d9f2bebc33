// Makes text from a stranger safe to look at: what would be invisible, forbidden or obeyed is shown as an escape.

/**
 * Controls but tab and line feed, marks that are invisible or turn the direction of text (the joiners of scripts and
 * emoji may stay), line separators, lone surrogates, and the noncharacters that XML forbids.
 */
const unsafe = /(?![\t\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]/gu

/** `\u001b` instead of ESC, and so on: a terminal obeys nothing, XML stays well-formed, a reader sees what came. */
export function visible(text: string): string {
  return text.replace(unsafe, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16)
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`
  })
}

/** The same on one line. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

/** Cut by code points, with an ellipsis where something is missing. */
export function shorten(text: string, maxLength: number): string {
  const characters = [...text]
  return characters.length <= maxLength
    ? text
    : `${characters.slice(0, Math.max(0, maxLength - 1)).join('')}…`
}
