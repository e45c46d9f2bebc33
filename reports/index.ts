// Reports of a result: text out of plain data.
export { renderHtml } from './html/page.ts'
export { renderJson } from './json.ts'
export { renderJunit } from './junit.ts'
export { renderMarkdown } from './markdown.ts'
export { createProgress, type Progress, type ProgressEvent, type Terminal } from './progress.ts'
export { plural } from './summary.ts'
export { renderTable, type TableStyle, wrap } from './terminal.ts'
export { visibleLine } from './visible.ts'
