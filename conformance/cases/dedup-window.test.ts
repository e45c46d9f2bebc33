// The deduplication window of a server that announces a short one.
import { expect, test } from 'vitest'
import { testSecret } from '../../server/testing/endpoint.ts'
import { start } from '../../server/testing/start.ts'
import { runConformance } from '../run.ts'
import { resolveTarget } from '../target.ts'
import { repeatIsRecognisedUntilTheWindowEnds } from './dedup.ts'

test.each([
  [1_500, 'pass'],
  [86_400_000, 'untestable'],
])('with %i ms the verdict on the reference server is %s', async (dedupWindowMs, verdict) => {
  const { server } = await start({ limits: { dedupWindowMs } })
  const target = resolveTarget({ url: server.url, tokens: { secret: testSecret } })
  const { cases } = await runConformance(target, { seed: 1, cases: [repeatIsRecognisedUntilTheWindowEnds] })
  expect(cases[0]).toMatchObject({ verdict })
})
