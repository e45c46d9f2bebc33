// Descriptors of targets: what they mean, and which are refused, by name.
import { expect, test } from 'vitest'
import { httpUrl, publicUrl, readTargetFile, resolveTarget } from './target.ts'

const tokens = { secret: 'secret-of-the-server' }

test.each([
  ['localhost:8080', 'ws://localhost:8080/ws'],
  ['ws://localhost:8080', 'ws://localhost:8080/ws'],
  ['http://localhost/', 'ws://localhost/ws'],
  ['https://chat.example/socket?room=1', 'wss://chat.example/socket?room=1'],
  ['WSS://chat.example', 'wss://chat.example/ws'],
  ['ws://[::1]:9/ws', 'ws://[::1]:9/ws'],
])('%s means %s', (url, meant) => {
  expect(resolveTarget({ url, tokens }).url.href).toBe(meant)
})

test('what is not given has one default', () => {
  expect(resolveTarget({ url: 'localhost', tokens })).toMatchObject({
    insecure: false,
    timeoutMs: 12_000,
    hooks: { functions: {} },
  })
})

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'target: nothing arrived, an object is allowed'],
  [
    'no url',
    { tokens },
    'url: nothing arrived, ws://host:port/path, wss://, http://, https:// or host:port is allowed',
  ],
  ['another scheme', { url: 'ftp://host', tokens }, 'url: "ftp://host" arrived'],
  ['a password in the URL', { url: 'ws://me:pw@host', tokens }, 'url: "ws://***@host" arrived'],
  ['no tokens', { url: 'host' }, 'tokens: nothing arrived, an object is allowed'],
  [
    'two ways to get tokens',
    { url: 'host', tokens: { secret: 'a', file: 'b' } },
    'exactly one of secret, command, file, login is allowed',
  ],
  [
    'an empty secret',
    { url: 'host', tokens: { secret: '' } },
    'tokens.secret: string arrived, a text that is not empty is allowed',
  ],
  ['an unknown field', { url: 'host', tokens, port: 1 }, 'target field: "port" arrived, url, tokens, users,'],
  ['an unknown way', { url: 'host', tokens: { password: 'a' } }, 'tokens: ["password"] arrived'],
  ['no login URL', { url: 'host', tokens: { login: 'ftp://a' } }, 'an http:// or https:// URL is allowed'],
  [
    'a time that is too short',
    { url: 'host', tokens, timeoutMs: 5 },
    'timeoutMs: 5 arrived, an integer from 100 to 60000 is allowed',
  ],
  [
    'an unknown hook',
    { url: 'host', tokens, hooks: { boom: 'x' } },
    'hooks field: "boom" arrived, start, kill,',
  ],
  ['a hook that is no command', { url: 'host', tokens, hooks: { kill: 9 } }, 'hooks.kill: 9 arrived'],
  [
    'metrics without their URL',
    { url: 'host', tokens, hooks: { metrics: { token: 'x' } } },
    'hooks.metrics.url: nothing arrived',
  ],
  ['no users', { url: 'host', tokens, users: [] }, 'users: [] arrived, a list of texts is allowed'],
  [
    'insecure as text',
    { url: 'host', tokens, insecure: 'yes' },
    'insecure: "yes" arrived, true or false is allowed',
  ],
])('%s is refused by name', (_what, descriptor, sentence) => {
  expect(() => resolveTarget(descriptor)).toThrow(sentence)
})

test('a secret never stands in an error', () => {
  const descriptor = { url: 'host', tokens: { secret: 'hunter2', audience: 7 } }
  expect(() => resolveTarget(descriptor)).toThrow(/^(?!.*hunter2)/)
  const metrics = { url: 'http://host/metrics', token: ['hunter2'] }
  const hooked = { url: 'host', tokens, hooks: { metrics } }
  expect(() => resolveTarget(hooked)).toThrow(/^hooks\.metrics\.token: object arrived(?!.*hunter2)/)
})

test('metrics are named by their URL, alone or with the token that they take', () => {
  const metricsOf = (metrics: unknown) =>
    resolveTarget({ url: 'host', tokens, hooks: { metrics } }).hooks.metrics
  expect(metricsOf('http://host/metrics')).toEqual({ url: 'http://host/metrics' })
  expect(metricsOf({ url: 'http://host/m', token: 't' })).toEqual({ url: 'http://host/m', token: 't' })
})

test('a target file that is not there is named', () => {
  expect(() => readTargetFile('/no/such/target.json')).toThrow('target file /no/such/target.json: ENOENT')
})

test('a command hook runs with its values, and its failure is told', async () => {
  const hooks = { revoke: 'test {sub} = alice', kill: 'exit 3' }
  const { functions } = resolveTarget({ url: 'host', tokens, hooks }).hooks
  await functions.revoke?.({ sub: 'alice' })
  await expect(functions.revoke?.({ sub: 'bob' })).rejects.toThrow('hook revoke: exit 1')
  await expect(functions.kill?.({})).rejects.toThrow('hook kill: exit 3')
})

test('a hook that starts something in the background is done when its shell is', async () => {
  const { functions } = resolveTarget({
    url: 'host',
    tokens,
    hooks: { start: 'tail -f /dev/null & kill $!' },
  }).hooks
  await functions.start?.({})
})

test('reports show the URL without its query', () => {
  const { url } = resolveTarget({ url: 'wss://chat.example/ws?key=hunter2', tokens })
  expect(publicUrl(url)).toBe('wss://chat.example/ws?…')
  expect(httpUrl(url, '/healthz').href).toBe('https://chat.example/healthz')
})
