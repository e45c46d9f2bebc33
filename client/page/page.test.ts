// The chat page in a real Chromium: two people, two browser profiles, one server.
import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { mintToken } from '../../server/index.ts'
import { openPlace, type Place } from './testing/place.ts'
import { openWire } from './testing/wire.ts'

/** Small, so that a person who was away misses some. */
const offlineMax = 4
/** What one page of history shows. */
const historyLimit = 30

/** For a page and its server on a busy machine. */
const patience = { timeout: 10_000 }

let place: Place
/** What a page complained of in its console, the policy's violations among it. */
let complaints: string[] = []

beforeAll(async () => {
  place = await openPlace({ flags: ['--limit', `offlineMax=${offlineMax}`] })
})

afterAll(async () => {
  await place?.close()
})

afterEach(async () => {
  for (const context of place.browser.contexts()) await context.close()
  const heard = complaints
  complaints = []
  expect(heard).toEqual([])
})

describe('signing in', () => {
  it('takes token and partner out of the address, and the name out of the token', async () => {
    const { page, name } = await visitor({ to: 'bob' })
    expect(page.url()).toBe(`http://127.0.0.1:${place.port}/`)
    expect(await page.getByTestId('user').inputValue()).toBe(name)
    expect(await page.getByTestId('to').inputValue()).toBe('bob')
    expect(await page.getByTestId('token-command').textContent()).toBe(`chatspec token --sub ${name}`)
  })

  it('says what is wrong with a token, before and after the server has seen it', async () => {
    const { page } = await visitor({ to: 'bob' })
    const forged = mintToken({ secret: 'x'.repeat(40), sub: 'eve', expiresInSeconds: 60 }, Date.now())
    const problem = page.getByTestId('sign-in-problem')
    for (const [token, words] of [
      ['abc', 'This is no token: it names no user.'],
      [forged, 'The server refused the token. Get a new one.'],
    ] as const) {
      await page.getByTestId('token').fill(token)
      await page.getByTestId('sign-in-button').click()
      await problem.getByText(words).waitFor()
    }
  })
})

describe('two people', () => {
  it('see what the other writes, and how far their own messages have come', async () => {
    const { alice, bob } = await pair()
    await hide(bob)
    await say(alice, 'Are you there?')
    await expectTexts(bob, ['Are you there?'])
    await alice.locator('[data-mark=delivered]').waitFor()
    await say(bob, 'Yes, but I do not look')
    await expectTexts(alice, ['Are you there?', 'Yes, but I do not look'])
    expect(await marks(alice)).toEqual(['Delivered'])
    await show(bob)
    await expectMarks(alice, ['Read'])
    await bob.locator('[data-mark=read]').waitFor()
  })

  it('see whether the other is there', async () => {
    const { alice, bob } = await pair()
    await say(bob, 'Hello')
    await alice.getByTestId('presence').getByText('online').waitFor()
    await bob.getByTestId('line').click()
    await alice.getByTestId('presence').getByText('offline').waitFor()
  })

  it('see text, whatever is in it', async () => {
    const { alice, bob } = await pair()
    const hostile =
      '<img src=x onerror="document.title=1"><script>document.title=2</script>\n&amp; \u202e\u0000'
    await say(alice, hostile)
    await expectTexts(bob, [hostile])
    await expectTexts(alice, [hostile])
    for (const page of [alice, bob]) expect(await page.locator('#timeline :is(img, script)').count()).toBe(0)
  })

  it('find each other in a group that they join by its name', async () => {
    const group = `g:${randomUUID()}`
    const alice = await enter({ to: group })
    const bob = await enter({ to: group })
    for (const page of [alice, bob]) await page.getByText('No messages yet').waitFor()
    await say(alice, 'Welcome')
    await expectTexts(bob, ['Welcome'])
    await expectMarks(alice, ['Read by 1'])
  })

  it('learn of a message from somebody else, and open it', async () => {
    const { alice, names } = await pair()
    const carol = await enter({ to: names.alice })
    await say(carol, 'psst')
    await alice.getByTestId('other').click()
    await expectTexts(alice, ['psst'])
    await say(alice, 'What?')
    await expectTexts(carol, ['psst', 'What?'])
  })

  it('are told when the other has never been here, and can try again', async () => {
    const bobName = newName('bob')
    const alice = await enter({ to: bobName })
    await say(alice, 'Too early')
    await alice.getByTestId('refusal').getByText(`${bobName} has never signed in here.`).waitFor()
    const bob = await enter({ name: bobName, to: 'alice' })
    await alice.getByTestId('try-again').click()
    await alice.locator('[data-mark=delivered]').waitFor()
    await bob.getByTestId('other').click()
    await expectTexts(bob, ['Too early'])
  })
})

describe('a connection that breaks', () => {
  it('comes back by itself, and brings what was missed, once and in order', async () => {
    const wire = await openWire(place.port)
    const { alice, bob } = await pair({ alicePort: wire.port })
    await say(bob, 'before')
    await expectTexts(alice, ['before'])
    wire.break()
    await state(alice, 'backoff')
    await alice
      .getByTestId('countdown')
      .getByText(/^in \d+ s$/)
      .waitFor()
    for (const text of ['one', 'two', 'three']) await say(bob, text)
    await expectMarks(bob, ['Read', 'Sent', 'Sent', 'Sent'])
    wire.mend()
    await alice.getByTestId('reconnected').getByText('Reconnected: 3 messages caught up').waitFor()
    await say(bob, 'after')
    await expectTexts(alice, ['before', 'one', 'two', 'three', 'after'])
    wire.close()
    // The browser says so of each attempt that the broken wire refused.
    complaints = complaints.filter((text) => !/WebSocket connection to .* failed/.test(text))
  })

  it('is one that the person cut', async () => {
    const { alice, bob } = await pair()
    await say(alice, 'first')
    await alice.getByTestId('cut').click()
    await alice.getByTestId('reconnected').waitFor()
    await state(alice, 'live')
    await say(alice, 'second')
    await expectTexts(bob, ['first', 'second'])
  })

  it('keeps what is written meanwhile, and sends it once', async () => {
    const { alice, bob } = await pair()
    await alice.getByTestId('line').click()
    await state(alice, 'offline')
    await say(alice, 'from the tunnel')
    expect(await marks(alice)).toEqual(['Pending'])
    await say(bob, 'Where are you?')
    await bob.locator('[data-mark=sent]').waitFor()
    await alice.getByTestId('line').click()
    await expectTexts(bob, ['Where are you?', 'from the tunnel'])
    await say(alice, 'Here')
    await expectTexts(bob, ['Where are you?', 'from the tunnel', 'Here'])
    await expectTexts(alice, ['Where are you?', 'from the tunnel', 'Here'])
  })

  it('shows where messages were left out, and gets them', async () => {
    const { alice, bob } = await pair()
    await say(bob, '0')
    await expectTexts(alice, ['0'])
    await alice.getByTestId('line').click()
    const missed = Array.from({ length: offlineMax + 3 }, (_, index) => String(index + 1))
    for (const text of missed) await say(bob, text)
    await expectMarks(bob, ['Read', ...missed.map(() => 'Sent')])
    await alice.getByTestId('line').click()
    const gap = alice.getByTestId('discontinuity')
    await gap.getByText('3 older messages left out').waitFor()
    await expectTexts(alice, ['0', ...missed.slice(3)])
    expect(await alice.locator('#timeline > li:nth-child(2)').getAttribute('data-testid')).toBe(
      'discontinuity',
    )
    await alice.getByTestId('fill-gap').click()
    await expectTexts(alice, ['0', ...missed])
    expect(await gap.count()).toBe(0)
  })
})

describe('a reload', () => {
  it('resumes, with every message and mark once', async () => {
    const { alice, bob } = await pair()
    await say(alice, 'one')
    await say(bob, 'two')
    await alice.locator('[data-mark=read]').waitFor()
    await expectTexts(alice, ['one', 'two'])
    await alice.reload()
    await expectTexts(alice, ['one', 'two'])
    expect(await marks(alice)).toEqual(['Read'])
    await say(bob, 'three')
    await expectTexts(alice, ['one', 'two', 'three'])
  })

  it('keeps what was not sent yet', async () => {
    const { alice, bob } = await pair()
    await alice.getByTestId('line').click()
    await say(alice, 'not forgotten')
    await alice.reload()
    await expectTexts(bob, ['not forgotten'])
    await say(alice, 'the end')
    await expectTexts(bob, ['not forgotten', 'the end'])
    await expectTexts(alice, ['not forgotten', 'the end'])
  })

  it('shows the latest messages, and older ones on demand', async () => {
    const { alice } = await pair()
    const texts = Array.from({ length: historyLimit + 2 }, (_, index) => `message ${index}`)
    for (const text of texts) await say(alice, text)
    await expect.poll(() => marks(alice), patience).not.toContain('Pending')
    await alice.reload()
    await expectTexts(alice, texts.slice(2))
    await alice.getByTestId('older').click()
    await expectTexts(alice, texts)
    await alice.getByTestId('older').waitFor({ state: 'hidden' })
  })
})

it('is used by one tab at a time', async () => {
  const { alice, bob } = await pair()
  const second = await alice.context().newPage()
  listen(second)
  await second.goto(await addressOf(alice, bob))
  await second.getByTestId('sign-in-button').click()
  await state(second, 'live')
  await state(alice, 'taken')
  await say(bob, 'to whichever')
  await expectTexts(second, ['to whichever'])
  await alice.getByTestId('line').click()
  await state(alice, 'live')
  await state(second, 'taken')
  await expectTexts(alice, ['to whichever'])
})

interface Visit {
  name?: string
  to: string
  port?: number
}

/** A person with a browser profile of their own, in front of the sign-in. */
async function visitor({ name = newName('somebody'), to, port = place.port }: Visit) {
  const context = await place.browser.newContext()
  context.setDefaultTimeout(patience.timeout)
  const page = await context.newPage()
  listen(page)
  await page.goto(address({ name, to, port }))
  return { page, name }
}

async function enter(visit: Visit): Promise<Page> {
  const { page } = await visitor(visit)
  await page.getByTestId('sign-in-button').click()
  await state(page, 'live')
  return page
}

/** Two people who talk to each other. */
async function pair({ alicePort = place.port } = {}) {
  const names = { alice: newName('alice'), bob: newName('bob') }
  const alice = await enter({ name: names.alice, to: names.bob, port: alicePort })
  const bob = await enter({ name: names.bob, to: names.alice })
  return { alice, bob, names }
}

function newName(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`
}

function address({ name, to, port }: Required<Visit>): string {
  const token = mintToken({ secret: place.secret, sub: name, expiresInSeconds: 600 }, Date.now())
  return `http://127.0.0.1:${port}/#token=${token}&to=${to}`
}

/** Where the person of one page talks to that of another. */
async function addressOf(page: Page, partner: Page): Promise<string> {
  const name = (await page.getByTestId('me').textContent()) ?? ''
  const to = (await partner.getByTestId('me').textContent()) ?? ''
  return address({ name, to, port: place.port })
}

function listen(page: Page): void {
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId('text').fill(text)
  await page.getByTestId('text').press('Enter')
}

async function state(page: Page, name: string): Promise<void> {
  await page
    .getByTestId('connection')
    .and(page.locator(`[data-state=${name}]`))
    .waitFor()
}

async function expectTexts(page: Page, texts: string[]): Promise<void> {
  await expect.poll(() => page.getByTestId('message-text').allTextContents(), patience).toEqual(texts)
}

async function expectMarks(page: Page, expected: string[]): Promise<void> {
  await expect.poll(() => marks(page), patience).toEqual(expected)
}

async function marks(page: Page): Promise<string[]> {
  return await page.getByTestId('mark').allTextContents()
}

/** As if another tab were in front, which headless browsers do not know. */
async function hide(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
  })
}

async function show(page: Page): Promise<void> {
  await page.evaluate(() => {
    Reflect.deleteProperty(document, 'visibilityState')
    document.dispatchEvent(new Event('visibilitychange'))
  })
}
