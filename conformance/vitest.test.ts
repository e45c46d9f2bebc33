// The suite as tests of the reference server. What fails and what is skipped: tools/package.test.ts.
import pino from 'pino'
import { startServer } from '../server/index.ts'
import { testSecret } from '../server/testing/endpoint.ts'
import { conformance, type ConformanceTests } from './vitest.ts'

function reference(): Pick<ConformanceTests, 'target' | 'stop'> {
  let close = async (): Promise<void> => {}
  return {
    target: async () => {
      const server = await startServer({ port: 0, jwt: { secret: testSecret } }, pino({ level: 'silent' }))
      close = async () => {
        void server.close()
        // The second time it waits for nobody.
        await server.close()
      }
      return { url: server.url, tokens: { secret: testSecret } }
    },
    stop: () => close(),
  }
}

conformance({
  ...reference(),
  only: ['direct', 'dedup/repeat-gets-the-first-answer'],
  profile: 'quick',
  encodings: ['json'],
})
