// A judge of well-formed XML 1.0, as far as JUnit files use it: no DTD, no comments, no CDATA.

const name = /[A-Za-z_][\w.-]*/.source
const attribute = new RegExp(`\\s+(${name})="([^"<&]|&(amp|lt|gt|quot|#\\d+|#x[0-9a-f]+);)*"`, 'g')
const markup = new RegExp(`<(?:(/)(${name})\\s*|(${name})((?:\\s+${name}="[^"]*")*)\\s*(/?))>`, 'y')
/** Outside of this a document is not well-formed, whatever is escaped. */
const forbidden = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

/** What is wrong, or undefined. */
export function xmlDefect(text: string): string | undefined {
  if (forbidden.test(text)) return 'a character that XML forbids'
  const open: string[] = []
  let at = text.startsWith('<?xml') ? text.indexOf('?>') + 2 : 0
  while (at < text.length) {
    const next = text.indexOf('<', at)
    const between = text.slice(at, next < 0 ? undefined : next)
    if (/&(?!(amp|lt|gt|quot|#\d+|#x[0-9a-f]+);)/.test(between)) return `a bare & in ${between}`
    if (between.includes(']]>')) return 'a bare ]]>'
    if (next < 0) break
    markup.lastIndex = next
    const tag = markup.exec(text)
    if (tag === null) return `no tag: ${text.slice(next, next + 60)}`
    const [whole, isEnd, endName, startName = '', attributes = '', isEmpty] = tag
    if (attributes.replace(attribute, '').trim() !== '') return `bad attributes: ${attributes}`
    const names = [...attributes.matchAll(attribute)].map((match) => match[1])
    if (new Set(names).size < names.length) return `an attribute twice: ${attributes}`
    if (isEnd && open.pop() !== endName) return `</${endName}> closes nothing`
    if (!isEnd && !isEmpty) open.push(startName)
    at = next + whole.length
  }
  return open.length > 0 ? `<${open.at(-1)}> is never closed` : undefined
}
