// Every report of the sample, byte for byte.
import { describe, it } from 'vitest'
import {
  renderBadge,
  renderHtml,
  renderJson,
  renderJunit,
  renderMarkdown,
  renderMatrixHtml,
  renderMatrixTable,
  renderTable,
} from './index.ts'
import { expectGolden } from './testing/golden.ts'
import { conformantResult, sampleResult } from './testing/sample-result.ts'

describe('the reports of the sample are as they were', () => {
  it('as JSON', () => expectGolden('report.json', renderJson(sampleResult)))
  it('as JUnit XML', () => expectGolden('junit.xml', renderJunit(sampleResult)))
  it('as Markdown', () => expectGolden('report.md', renderMarkdown(sampleResult)))
  it('as a badge', () => expectGolden('badge.svg', renderBadge(sampleResult)))
  it('as a matrix', () => expectGolden('matrix.html', renderMatrixHtml([sampleResult, conformantResult])))
  it('as a matrix on a terminal', () =>
    expectGolden(
      'matrix.txt',
      renderMatrixTable([sampleResult, conformantResult], { columns: 100, colours: false }),
    ))
  it('as a page', () => expectGolden('report.html', renderHtml(sampleResult)))
  it('as a table', () =>
    expectGolden('table.txt', renderTable(sampleResult, { columns: 100, colours: false })))
  it('as a table on a narrow terminal', () =>
    expectGolden('table-narrow.txt', renderTable(sampleResult, { columns: 48, colours: false })))
  it('as a table in colours', () =>
    expectGolden('table-colours.txt', renderTable(sampleResult, { columns: 100, colours: true })))
  it('as a table of a conformant server', () =>
    expectGolden('table-conformant.txt', renderTable(conformantResult, { columns: 100, colours: false })))
  it('as a page of a conformant server', () =>
    expectGolden('report-conformant.html', renderHtml(conformantResult)))
})
