// JSON lines for operators; whatever is handed in, tokens and content never get out.
import pino from 'pino'

export type Logger = pino.Logger
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

const secretNames = new Set(
  ['token', 'adminToken', 'authorization', 'cookie', 'secret', 'password', 'content', 'meta'].map((name) =>
    name.toLowerCase(),
  ),
)
/** A JWT wherever it stands in a text, also one that was cut off. */
const jwt = /eyJ[\w-]{8,}(\.[\w-]*){0,2}/g
/** A frame that was logged as text. */
const secretInText = /"(token|secret|content|meta)"\s*:\s*("(?:[^"\\]|\\.)*"?|\{[^}]*\}?)/g

/** @param stream Where lines go; standard output by default. */
export function createLogger(level: LogLevel, stream: pino.DestinationStream = pino.destination(1)): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    hooks: { streamWrite: clean },
  }
  return pino(options, stream)
}

/** The finished line is the one place that bindings, errors, nested objects and texts all pass through. */
function clean(line: string): string {
  return `${JSON.stringify(JSON.parse(line, cleanValue))}\n`
}

function cleanValue(name: string, value: unknown): unknown {
  if (secretNames.has(name.toLowerCase())) return '[redacted]'
  if (typeof value !== 'string') return value
  return value.replace(jwt, '[token]').replace(secretInText, '"$1":"[redacted]"')
}
