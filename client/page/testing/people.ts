// People in front of the chat page, each with a browser profile of their own, and what they do and see there.
import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { mintToken } from '../../../server/index.ts'
import { parseState } from '../../index.ts'
import type { Place } from './place.ts'

/** For a page and its server on a busy machine. */
export const patience = { timeout: 10_000 }

export interface Visit {
  name?: string
  to: string
  port?: number
  host?: string
}

export class People {
  readonly #place: Place
  /** What a page complained of in its console, the policy's violations among it. */
  complaints: string[] = []

  constructor(place: Place) {
    this.#place = place
  }

  /** Everybody goes; the result is what their pages complained of. */
  async leave(): Promise<string[]> {
    for (const context of this.#place.browser.contexts()) await context.close()
    return this.complaints.splice(0)
  }

  /** A person in front of the sign-in. */
  async visitor(visit: Visit): Promise<{ page: Page; name: string }> {
    const { name = newName('somebody') } = visit
    const context = await this.#place.browser.newContext()
    context.setDefaultTimeout(patience.timeout)
    const page = await context.newPage()
    this.listen(page)
    await page.goto(this.address({ ...visit, name }))
    return { page, name }
  }

  async enter(visit: Visit): Promise<Page> {
    const { page } = await this.visitor(visit)
    await page.getByTestId('sign-in-button').click()
    await state(page, 'live')
    return page
  }

  /** Two people who talk to each other. */
  async pair({ alicePort = this.#place.port } = {}) {
    const names = { alice: newName('alice'), bob: newName('bob') }
    const alice = await this.enter({ name: names.alice, to: names.bob, port: alicePort })
    const bob = await this.enter({ name: names.bob, to: names.alice })
    return { alice, bob, names }
  }

  address({ name, to, port = this.#place.port, host = '127.0.0.1' }: Visit & { name: string }): string {
    const token = mintToken({ secret: this.#place.secret, sub: name, expiresInSeconds: 600 }, Date.now())
    return `http://${host}:${port}/#token=${token}&to=${to}`
  }

  listen(page: Page): void {
    page.on('console', (message) => message.type() === 'error' && this.complaints.push(message.text()))
    page.on('pageerror', (error) => this.complaints.push(error.message))
  }
}

export function newName(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId('text').fill(text)
  await page.getByTestId('text').press('Enter')
}

export async function state(page: Page, name: string): Promise<void> {
  await page
    .getByTestId('connection')
    .and(page.locator(`[data-state=${name}]`))
    .waitFor()
}

export async function expectTexts(page: Page, texts: string[]): Promise<void> {
  await expect.poll(() => page.getByTestId('message-text').allTextContents(), patience).toEqual(texts)
}

export async function expectMarks(page: Page, expected: string[]): Promise<void> {
  await expect.poll(() => marks(page), patience).toEqual(expected)
}

export async function marks(page: Page): Promise<string[]> {
  return await page.getByTestId('mark').allTextContents()
}

/** As if another tab were in front, which headless browsers do not know. */
export async function hide(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
  })
}

export async function show(page: Page): Promise<void> {
  await page.evaluate(() => {
    Reflect.deleteProperty(document, 'visibilityState')
    document.dispatchEvent(new Event('visibilitychange'))
  })
}

export async function isInView(page: Page, testId: string): Promise<boolean> {
  return await page.getByTestId(testId).evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect()
    const view = document.getElementById('log')?.getBoundingClientRect()
    return view !== undefined && top >= view.top && bottom <= view.bottom
  })
}

/** Where the person is in the only conversation, as the page stores it. */
export async function positionOf(page: Page): Promise<{ epoch: string }> {
  const name = await page.getByTestId('me').textContent()
  const state = await page.evaluate((key) => localStorage.getItem(key), `chatspec/${name}/state`)
  return parseState(state ?? '')?.positions[0] ?? { epoch: '' }
}
