// The command line itself: help, refusals, exit codes.
import { describe, expect, it } from 'vitest'
import { chatspec, temporaryFolder } from './testing/command.ts'

const commands = ['serve', 'probe', 'conform', 'check', 'report', 'list', 'token', 'demo']

describe('chatspec --help', () => {
  it('lists every command and the exit codes', async () => {
    const { code, stdout } = await chatspec(['--help'])
    expect(code).toBe(0)
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
    expect(stdout).toContain('Exit codes: 0 good')
  })

  it.each(commands)('%s --help explains every flag and has an example', async (command) => {
    const { code, stdout } = await chatspec([command, '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(`$ chatspec ${command}`)
    const flags = stdout.split('\n').filter((line) => /^ {2}-/.test(line))
    expect(flags.filter((line) => !/^ {2}(-\w, )?--\S+( <\S+>)? {2,}\S/.test(line))).toEqual([])
  })

  it('shows the version of the package', async () => {
    expect((await chatspec(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('what is refused, with exit code 3', () => {
  it.each([
    [['sevre'], /unknown command 'sevre'\n\(Did you mean serve\?\)/],
    [['serve', '--prot', '1'], /unknown option '--prot'\n\(Did you mean --port\?\)/],
    [
      ['serve', '--port', '99999'],
      /'--port <number>' argument '99999' is invalid. Allowed: .* from 0 to 65535/,
    ],
    [
      ['serve', '--limit', 'windw=3'],
      /argument 'windw=3' is invalid. Allowed: one of maxFrame, .* Did you mean window\?/,
    ],
    [['serve', '--group-join', 'all'], /argument 'all' is invalid. Allowed choices are open, owner/],
    [['serve', '--memory', '--data-dir', 'x'], /'--memory' cannot be used with option '--data-dir <dir>'/],
    [['serve', '--tls-cert', 'x'], /only one of --tls-cert and --tls-key is given; allowed: both or none/],
    [['serve', '--memory', '--limit', 'window=0'], /--limit window is 0; allowed: an integer from 1/],
    [
      ['serve', '--memory', '--leeway', '5m'],
      /--leeway, in seconds, is 300; allowed: an integer from 0 to 30/,
    ],
    [['conform'], /no url; allowed: one as the argument/],
    [['conform', 'h:1'], /no way to get tokens; allowed is one of --secret-file/],
    [['conform', 'h:1', '--token-file', 'a', '--login-url', 'b'], /cannot be used with option/],
    [
      ['conform', 'h:1', '--encoding', 'xml'],
      /argument 'xml' is invalid. Allowed choices are json, cbor, both/,
    ],
    [['conform', 'h:1', '--format', 'json'], /--format json has no effect; allowed: together with --out/],
    [['conform', 'h:1', '--target', 'none.json'], /target file none.json: ENOENT/],
    [['conform', 'ftp://h', '--token-command', 'x'], /url: "ftp:\/\/h" arrived, ws:\/\/.* is allowed/],
    [['probe', 'h:1'], /no way to get tokens; allowed is one of --secret-file/],
    [['probe', 'h:1', '--profile', 'full'], /unknown option '--profile'/],
    [['report'], /missing required argument 'results'/],
    [['report', 'none.json'], /result none.json: ENOENT/],
    [['check'], /missing required argument 'history'/],
    [['check', 'none.jsonl'], /history none.jsonl: ENOENT/],
    [['check', 'x', '--minimum', 'oksends=3'], /Allowed: one of okSends, .* Did you mean okSends\?/],
    [['check', 'x', '--minimum', 'finalReadShare=2'], /Allowed: finalReadShare=0 to finalReadShare=1/],
    [['check', 'x', '--require', 'H20'], /argument 'H20' is invalid. Allowed: one of H1, H2/],
    [['list', 'DED-99'], /no clause or case matches DED-99; allowed: .* Did you mean DED-09\?/],
    [['list', '--jso'], /unknown option '--jso'\n\(Did you mean --json\?\)/],
    [['token'], /required option '--sub <user>' not specified/],
    [['token', '--sub', 'a/b'], /argument 'a\/b' is invalid. Allowed: 1 to 64 of A-Z/],
    [['token', '--sub', 'a'], /no secret: chatspec-data holds none; allowed is one of --secret-file/],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await chatspec(args, { cwd: temporaryFolder() })
    expect(stderr).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  })

  it('a secret on the command line, where others could read it', async () => {
    const { code, stderr } = await chatspec(['serve', '--secret', 'hunter2hunter2hunter2hunter2hunter2'])
    expect(code).toBe(3)
    expect(stderr).toContain("unknown option '--secret'")
  })
})
