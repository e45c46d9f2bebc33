// The page of a job on GitHub: whatever is appended to the file that it names is shown there.
import { appendFileSync } from 'node:fs'

/** GitHub shows nothing of a step that wrote more than 1 MiB. */
const maxBytes = 1_000_000
const note = '\n\n… cut: the whole report is in the files of the run.\n'

/** @returns The file, or undefined where there is none. */
export function appendJobSummary(
  markdown: string,
  { GITHUB_STEP_SUMMARY: path }: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (!path) return undefined
  appendFileSync(path, `${cut(markdown)}\n`)
  return path
}

/** At the end of a line. */
function cut(markdown: string): string {
  const bytes = Buffer.from(markdown)
  if (bytes.length <= maxBytes) return markdown
  const end = bytes.lastIndexOf(10, maxBytes)
  return `${bytes.subarray(0, end).toString()}${note}`
}
