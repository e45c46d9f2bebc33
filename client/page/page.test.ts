// The chat page in a real Chromium: two people, two browser profiles, one server.
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { mintToken } from '../../server/index.ts'
import {
  expectMarks,
  expectTexts,
  hide,
  isInView,
  marks,
  newName,
  patience,
  People,
  positionOf,
  say,
  show,
  state,
} from './testing/people.ts'
import { openPlace, type Place } from './testing/place.ts'
import { openWire } from './testing/wire.ts'

/** Small, so that a person who was away misses some. */
const offlineMax = 4
/** What one page of history shows. */
const historyLimit = 30

let place: Place
let people: People

beforeAll(async () => {
  place = await openPlace({ flags: ['--limit', `offlineMax=${offlineMax}`] })
  people = new People(place)
})

afterAll(async () => {
  await place?.close()
})

afterEach(async () => {
  expect(await people.leave()).toEqual([])
})

describe('signing in', () => {
  it('takes token and partner out of the address, and the name out of the token', async () => {
    const { page, name } = await people.visitor({ to: 'bob' })
    expect(page.url()).toBe(`http://127.0.0.1:${place.port}/`)
    expect(await page.getByTestId('user').inputValue()).toBe(name)
    expect(await page.getByTestId('to').inputValue()).toBe('bob')
    expect(await page.getByTestId('token-command').textContent()).toBe(`chatspec token --sub ${name}`)
  })

  it('says what is wrong with a token, before and after the server has seen it', async () => {
    const { page } = await people.visitor({ to: 'bob' })
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

it('works over plain http from another machine, where browsers hold some of crypto back', async () => {
  const [alice, bob] = [newName('alice'), newName('bob')]
  const page = await people.enter({ name: alice, to: bob, host: 'chat.example' })
  expect(await page.evaluate(() => [isSecureContext, 'randomUUID' in crypto])).toEqual([false, false])
  const other = await people.enter({ name: bob, to: alice })
  await say(page, 'over the LAN')
  await expectTexts(other, ['over the LAN'])
  await expectMarks(page, ['Read'])
})

describe('two people', () => {
  it('see what the other writes, and how far their own messages have come', async () => {
    const { alice, bob } = await people.pair()
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
    const { alice, bob } = await people.pair()
    await say(bob, 'Hello')
    for (const page of [alice, bob]) await page.getByTestId('presence').getByText('online').waitFor()
    await say(alice, 'Read this')
    await alice.locator('[data-mark=read]').waitFor()
    await bob.getByTestId('line').click()
    await alice.getByTestId('presence').getByText('offline').waitFor()
    // What he had read before is told again, and makes nobody think that he is back.
    await alice.reload()
    await say(alice, 'Still there?')
    await alice.locator('[data-mark=sent]').waitFor()
    expect(await alice.getByTestId('presence').textContent()).toBe('offline')
  })

  it('see text, whatever is in it', async () => {
    const { alice, bob } = await people.pair()
    const hostile =
      '<img src=x onerror="document.title=1"><script>document.title=2</script>\n&amp; \u202e\u0000'
    await say(alice, hostile)
    await expectTexts(bob, [hostile])
    await expectTexts(alice, [hostile])
    for (const page of [alice, bob]) expect(await page.locator('#timeline :is(img, script)').count()).toBe(0)
  })

  it('find each other in a group that they join by its name', async () => {
    const group = `g:${randomUUID()}`
    const alice = await people.enter({ to: group })
    const bob = await people.enter({ to: group })
    for (const page of [alice, bob]) await page.getByText('No messages yet').waitFor()
    await say(alice, 'Welcome')
    await expectTexts(bob, ['Welcome'])
    await expectMarks(alice, ['Read by 1'])
  })

  it('learn of a message from somebody else, and open it', async () => {
    const { alice, names } = await people.pair()
    const carol = await people.enter({ to: names.alice })
    await say(carol, 'psst')
    await alice.getByTestId('other').click()
    await expectTexts(alice, ['psst'])
    await say(alice, 'What?')
    await expectTexts(carol, ['psst', 'What?'])
  })

  it('are told why a message is too long, in view, and how to try again', async () => {
    const { alice } = await people.pair()
    await say(alice, 'short')
    await expectMarks(alice, ['Read'])
    await alice.getByTestId('line').click()
    await state(alice, 'idle')
    await say(alice, 'x'.repeat(20_000))
    await alice.getByTestId('line').click()
    await alice.getByTestId('refusal').getByText('It is too long for this server.').waitFor()
    expect(await isInView(alice, 'try-again')).toBe(true)
  })

  it('see both names, however long they are, on a phone', async () => {
    const [long, to] = ['alice', 'bob'].map((name) => `${newName(name)}${'x'.repeat(45)}`)
    const { page } = await people.visitor({ name: long ?? '', to: to ?? '' })
    await page.setViewportSize({ width: 360, height: 740 })
    await page.getByTestId('sign-in-button').click()
    await state(page, 'live')
    const widths = await page.evaluate(() => {
      const widthOf = (id: string) => document.getElementById(id)?.parentElement?.clientWidth ?? 0
      return { page: document.documentElement.scrollWidth, partner: widthOf('partner'), me: widthOf('me') }
    })
    expect(widths.page).toBeLessThanOrEqual(360)
    expect(widths.partner).toBeGreaterThan(100)
    expect(widths.me).toBeGreaterThan(100)
  })

  it('are told when the other has never been here, and can try again', async () => {
    const bobName = newName('bob')
    const alice = await people.enter({ to: bobName })
    await say(alice, 'Too early')
    await alice.getByTestId('refusal').getByText(`${bobName} has never signed in here.`).waitFor()
    const bob = await people.enter({ name: bobName, to: 'alice' })
    await alice.getByTestId('try-again').click()
    await alice.locator('[data-mark=delivered]').waitFor()
    await bob.getByTestId('other').click()
    await expectTexts(bob, ['Too early'])
  })
})

it('shows the latest marks, whatever receipts come late, and believes nobody to be there for them', async () => {
  const { page: alice, name } = await people.visitor({ to: 'nobody' })
  const bobName = newName('bob')
  const toPage: ((frame: object) => void)[] = []
  await alice.routeWebSocket(/\/ws$/, (socket) => {
    socket.connectToServer()
    toPage.push((frame) => socket.send(JSON.stringify(frame)))
  })
  await alice.goto('about:blank')
  await alice.goto(people.address({ name, to: bobName }))
  await alice.getByTestId('sign-in-button').click()
  await state(alice, 'live')
  const bob = await people.enter({ name: bobName, to: name })
  await say(bob, 'one')
  await expectTexts(alice, ['one'])
  await bob.getByTestId('line').click()
  await alice.getByTestId('presence').getByText('offline').waitFor()
  for (const text of ['two', 'three']) await say(alice, text)
  await expectMarks(alice, ['Sent', 'Sent'])
  await alice.getByTestId('cut').click()
  await alice.getByTestId('reconnected').waitFor()
  await alice.getByTestId('presence').getByText('offline').waitFor()
  const { epoch } = await positionOf(alice)
  const conv = `d:${[name, bobName].sort().join(':')}`
  const tell = (receipt: object) =>
    toPage.at(-1)?.({ type: 'receipt', conv, epoch, user: bobName, kind: 'read', ...receipt })
  tell({ seq: 2 })
  await expectMarks(alice, ['Read', 'Sent'])
  tell({ seq: 1 })
  tell({ kind: 'delivered', seq: 1 })
  tell({ epoch: 'older', seq: 9 })
  tell({ kind: 'delivered', seq: 3 })
  await expectMarks(alice, ['Read', 'Delivered'])
  expect(await alice.getByTestId('presence').textContent()).toBe('offline')
  await alice.reload()
  await expectMarks(alice, ['Read', 'Delivered'])
  await bob.getByTestId('line').click()
  await expectMarks(alice, ['Read', 'Read'])
})

describe('a connection that breaks', () => {
  it('comes back by itself, and brings what was missed, once and in order', async () => {
    const wire = await openWire(place.port)
    const { alice, bob } = await people.pair({ alicePort: wire.port })
    await say(bob, 'before')
    await expectTexts(alice, ['before'])
    // Her `read` is on its way only once the message was in view.
    await expectMarks(bob, ['Read'])
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
    people.complaints = people.complaints.filter((text) => !/WebSocket connection to .* failed/.test(text))
  })

  it('is one that the person cut', async () => {
    const { alice, bob } = await people.pair()
    await say(alice, 'first')
    await alice.getByTestId('cut').click()
    await alice.getByTestId('reconnected').waitFor()
    await state(alice, 'live')
    await say(alice, 'second')
    await expectTexts(bob, ['first', 'second'])
  })

  it('keeps what is written meanwhile, and sends it once', async () => {
    const { alice, bob } = await people.pair()
    await alice.getByTestId('line').click()
    await state(alice, 'idle')
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
    const { alice, bob } = await people.pair()
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
    const { alice, bob } = await people.pair()
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
    const { alice, bob } = await people.pair()
    await alice.getByTestId('line').click()
    await say(alice, 'not forgotten')
    await alice.reload()
    await expectTexts(bob, ['not forgotten'])
    await say(alice, 'the end')
    await expectTexts(bob, ['not forgotten', 'the end'])
    await expectTexts(alice, ['not forgotten', 'the end'])
  })

  it('shows the latest messages, and older ones on demand', async () => {
    const { alice } = await people.pair()
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
  const { alice, bob, names } = await people.pair()
  const second = await alice.context().newPage()
  people.listen(second)
  await second.goto(people.address({ name: names.alice, to: names.bob }))
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
