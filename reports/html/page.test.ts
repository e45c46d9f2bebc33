// report.html in a real browser, with scripts switched off: nothing loads, nothing runs, the filter works.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resultWith } from '../testing/nasty.ts'
import { sampleResult } from '../testing/sample-result.ts'
import { renderHtml } from './page.ts'

let browser: Browser
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chatspec-report-'))
  // The sandbox of Chromium does not start for root, which is what containers run as.
  browser = await chromium.launch({ executablePath: process.env.CHROME_PATH ?? '', chromiumSandbox: false })
})
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(markup: string, options: Parameters<Browser['newPage']>[0] = {}) {
  const file = join(folder, 'report.html')
  writeFileSync(file, markup)
  const page = await browser.newPage(options)
  const requests: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => requests.push(request.url().slice(0, 40)))
  page.on('console', (message) => complaints.push(message.text()))
  page.on('dialog', (dialog) => complaints.push(dialog.message()))
  await page.goto(pathToFileURL(file).href)
  return { page, requests: requests.filter((url) => !url.startsWith('data:')), complaints }
}

async function shownRows(page: Page): Promise<string[]> {
  return await page.locator('tbody:visible .badge').allTextContents()
}

describe('report.html', () => {
  it('loads nothing, runs nothing and breaks no policy of its own, whatever a server wrote', async () => {
    const attack = `"'><img src=x onerror=alert(1)><script>alert(2)</script><style>@import "http://x.test/"</style>`
    const { page, requests, complaints } = await open(renderHtml(resultWith(attack)))
    expect(requests).toEqual([page.url().slice(0, 40)])
    expect(complaints).toEqual([])
    expect(await page.locator('script, img, iframe, link[rel=stylesheet]').count()).toBe(0)
    expect(await page.locator('.lead').count()).toBe(1)
    await page.close()
  })

  it('filters by verdict without script, and hides features that have nothing to show', async () => {
    const { page } = await open(renderHtml(sampleResult), { javaScriptEnabled: false })
    expect(await shownRows(page)).toHaveLength(11)
    await page.getByText('2 fail', { exact: true }).last().click()
    expect(await shownRows(page)).toEqual(['✗ fail', '✗ fail'])
    expect(await page.locator('.group:visible').count()).toBe(2)
    await page.getByText('all 13', { exact: true }).click()
    expect(await shownRows(page)).toHaveLength(11)
    await page.close()
  })

  it('leads from what did not pass to the case, and shows its wire trace on demand', async () => {
    const { page } = await open(renderHtml(sampleResult), { javaScriptEnabled: false })
    await page.getByRole('link', { name: 'DED-02' }).click()
    const row = page.locator('tbody:target')
    expect(await row.locator('.badge').textContent()).toBe('✗ fail')
    expect(await row.locator('pre').isVisible()).toBe(false)
    await row.getByText('wire trace, 5 lines').click()
    expect(await row.locator('pre').textContent()).toContain('bob/1 < error id=3 code=106')
    await page.close()
  })

  it.each([320, 700, 1_400])('does not scroll sideways in a window of %i pixels', async (width) => {
    const { page } = await open(renderHtml(sampleResult), { viewport: { width, height: 800 } })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    await page.close()
  })

  it('is readable by day and by night: text has a contrast of 4.5 to 1 at least', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await open(renderHtml(sampleResult), { colorScheme })
      expect(await page.evaluate(lowContrast)).toEqual([])
      await page.close()
    }
  })
})

/** Runs in the page: every text whose colour is too near to the background of its sheet (WCAG 2.1, 1.4.3). */
function lowContrast(): string[] {
  const channels = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number)
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const sheet = luminance(getComputedStyle(document.querySelector('header') as Element).backgroundColor)
  const texts = [...document.querySelectorAll('main *:not(.filter *, pre *)')].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()),
  )
  return texts.flatMap((element) => {
    const ink = luminance(getComputedStyle(element).color)
    const ratio = (Math.max(ink, sheet) + 0.05) / (Math.min(ink, sheet) + 0.05)
    return ratio < 4.5
      ? [`${element.tagName}.${element.className} ${ratio.toFixed(2)}: ${element.textContent}`]
      : []
  })
}
