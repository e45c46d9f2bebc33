// `chatspec demo`, what `npm start` runs: the reference server keeps its promises, and nothing is left behind.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ConformanceResult } from '../../conformance/index.ts'
import { Running, temporaryFolder } from '../testing/command.ts'

describe('chatspec demo', () => {
  it('serves, judges, reports and cleans up', { timeout: 180_000 }, async () => {
    const cwd = temporaryFolder()
    const scratch = join(cwd, 'tmp')
    mkdirSync(scratch)
    const demo = new Running(['demo', '--seed', '7'], { cwd, env: { TMPDIR: scratch } })
    const [, port] = await demo.said(/serving ws:\/\/127\.0\.0\.1:(\d+)\/ws/)
    const { code, stdout, stderr } = await demo.finished()
    expect(stdout).toContain('Conformant\n')
    expect(code).toBe(0)

    const [run = ''] = readdirSync(join(cwd, 'out'))
    expect(run).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-seed-7$/)
    for (const name of ['report.json', 'junit.xml', 'report.html']) {
      expect(stderr).toContain(`wrote ${join('out', run, name)}\n`)
      expect(existsSync(join(cwd, 'out', run, name))).toBe(true)
    }
    const result: unknown = JSON.parse(readFileSync(join(cwd, 'out', run, 'report.json'), 'utf8'))
    expect(result).toMatchObject({
      verdict: 'conformant',
      profile: 'quick',
      encodings: ['json', 'cbor'],
      seed: 7,
    })
    expect(result).toHaveProperty('target.capabilities', expect.arrayContaining(['durability=fsync']))

    const { cases } = result as ConformanceResult
    const untestable = cases.filter(({ verdict }) => verdict === 'untestable').map(({ id }) => id)
    // Its window lasts a day, as a real one should.
    expect([...new Set(untestable)]).toEqual(['dedup/repeat-is-recognised-until-the-window-ends'])
    for (const group of ['durability', 'drain'])
      expect(cases.filter((one) => one.group === group && one.verdict === 'pass').length).toBeGreaterThan(2)

    expect(readdirSync(scratch)).toEqual([])
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
  })

  it('takes its server along when it is told to end', async () => {
    const cwd = temporaryFolder()
    const scratch = join(cwd, 'tmp')
    mkdirSync(scratch)
    const demo = new Running(['demo'], { cwd, env: { TMPDIR: scratch } })
    const [, port] = await demo.said(/serving ws:\/\/127\.0\.0\.1:(\d+)\/ws/)
    demo.child.kill('SIGTERM')
    expect((await demo.finished()).code).toBe(3)
    expect(readdirSync(scratch)).toEqual([])
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
  })

  it('takes its server along even when it is killed', async () => {
    const cwd = temporaryFolder()
    const demo = new Running(['demo'], { cwd, env: { TMPDIR: cwd } })
    const [, port] = await demo.said(/serving ws:\/\/127\.0\.0\.1:(\d+)\/ws/)
    demo.child.kill('SIGKILL')
    const health = () =>
      fetch(`http://127.0.0.1:${port}/healthz`).then(
        ({ status }) => status,
        () => 'gone',
      )
    await expect.poll(health, { timeout: 10_000 }).toBe('gone')
  })

  it('ends early with what it knows at the first Ctrl-C', async () => {
    const cwd = temporaryFolder()
    const demo = new Running(['demo', '--out', 'out'], { cwd })
    await demo.said(/connecting to/)
    demo.child.kill('SIGINT')
    const { code, stdout } = await demo.finished()
    expect(stdout).toContain('The run ended early: interrupted')
    expect(code).not.toBe(0)
    expect(existsSync(join(cwd, 'out', 'report.html'))).toBe(true)
  })

  it('takes its server along when Ctrl-C comes before there is anything to tell', async () => {
    const cwd = temporaryFolder()
    const scratch = join(cwd, 'tmp')
    mkdirSync(scratch)
    const demo = new Running(['demo', '--out', 'out'], { cwd, env: { TMPDIR: scratch } })
    // Its folder is made right before its server is started.
    await expect.poll(() => readdirSync(scratch).length, { timeout: 10_000 }).toBe(1)
    const [folder = ''] = readdirSync(scratch)
    await expect.poll(() => existsSync(join(scratch, folder, 'server.log')), { timeout: 10_000 }).toBe(true)
    demo.child.kill('SIGINT')
    expect((await demo.finished()).code).toBe(3)
    expect(readdirSync(scratch)).toEqual([])
  })

  it('passes on what the server said if it does not start', async () => {
    const cwd = temporaryFolder()
    const demo = new Running(['demo'], { cwd, env: { TMPDIR: '/nowhere' } })
    const { code, stderr } = await demo.finished()
    expect(stderr).toMatch(/^error: ENOENT: .*\/nowhere/)
    expect(code).toBe(3)
  })
})
