// The beginning of many stories.
import { seen, Story } from './story.ts'

/** Alice said a, b, c, d, e at 1 to 5; Bob has got the first `got` of them on a first connection. */
export function spoken(got: number) {
  const story = new Story()
  const alice = story.connect('alice')
  const bob = story.connect('bob')
  for (const [index, msgId] of ['a', 'b', 'c', 'd', 'e'].entries()) {
    alice.says(msgId, index + 1)
    if (index < got) bob.gets(index + 1, 'alice', msgId)
  }
  return { story, alice, bob }
}

/** Alice and Bob are live and have said a word each. */
export function pair() {
  const story = new Story()
  const alice = story.connect('alice')
  const bob = story.connect('bob')
  alice.says('a', 1)
  bob.gets(1, 'alice', 'a')
  bob.says('b', 2)
  alice.gets(2, 'bob', 'b')
  return { story, alice, bob }
}

/** The log of a chat. */
export const whole = [seen(1, 'alice', 'a'), seen(2, 'bob', 'b'), seen(3, 'alice', 'c')]

/** Alice says a at 1, Bob b at 2, Alice c at 3; both have seen it. */
export function chat() {
  const story = new Story()
  const alice = story.connect('alice')
  const bob = story.connect('bob')
  alice.says('a', 1)
  bob.gets(1, 'alice', 'a')
  bob.says('b', 2)
  alice.gets(2, 'bob', 'b')
  alice.says('c', 3)
  bob.gets(3, 'alice', 'c')
  return { story, alice, bob }
}
