// matrix.html in a real browser, with scripts switched off: nothing loads, nothing runs, the filter works.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resultWith } from '../testing/nasty.ts'
import { conformantResult, sampleResult } from '../testing/sample-result.ts'
import { renderMatrixHtml } from './matrix.ts'

let browser: Browser
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chatspec-matrix-'))
  // The sandbox of Chromium does not start for root, which is what containers run as.
  browser = await chromium.launch({ executablePath: process.env.CHROME_PATH ?? '', chromiumSandbox: false })
})
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(markup: string, options: Parameters<Browser['newPage']>[0] = {}) {
  const file = join(folder, 'matrix.html')
  writeFileSync(file, markup)
  const page = await browser.newPage(options)
  const complaints: string[] = []
  const requests: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('request', (request) => requests.push(request.url()))
  await page.goto(pathToFileURL(file).href)
  return { page, complaints, requests }
}

describe('matrix.html', () => {
  it('loads nothing and breaks no policy of its own, whatever a server wrote', async () => {
    const attack = `"'><img src=x onerror=alert(1)><script>alert(2)</script>`
    const { page, complaints, requests } = await open(renderMatrixHtml([resultWith(attack), sampleResult]))
    expect(requests).toHaveLength(1)
    expect(complaints).toEqual([])
    expect(await page.locator('script, img').count()).toBe(0)
    await page.close()
  })

  it('shows what each server made of each sentence, and only the differing ones on demand', async () => {
    const markup = renderMatrixHtml([sampleResult, conformantResult])
    const { page } = await open(markup, { javaScriptEnabled: false })
    const row = page.locator('tbody tr', { hasText: 'DED-02' })
    expect(await row.locator('.badge').allTextContents()).toEqual(['✗', '✓'])
    const all = await page.locator('tbody tr:visible').count()
    await page.getByText(/^differing/).click()
    const differing = await page.locator('tbody tr:visible').count()
    expect(differing).toBeGreaterThan(0)
    expect(differing).toBeLessThan(all)
    await page.close()
  })

  it.each([360, 1_280])('does not scroll sideways as a whole in a window of %i pixels', async (width) => {
    const markup = renderMatrixHtml([sampleResult, conformantResult, sampleResult, conformantResult])
    const { page } = await open(markup, { viewport: { width, height: 800 } })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    await page.close()
  })
})
