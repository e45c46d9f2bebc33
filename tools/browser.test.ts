// The search for a browser, on machines that are made up.
import { describe, expect, it } from 'vitest'
import { ensureBrowser, type Machine } from './browser.ts'

describe('ensureBrowser', () => {
  it('takes CHROME_PATH before anything else', async () => {
    const machine = fake({ env: { CHROME_PATH: '/my/chrome' }, working: ['/my/chrome', '/bin/chromium'] })
    expect(await ensureBrowser(machine)).toEqual({ path: '/my/chrome', origin: 'CHROME_PATH' })
  })

  it('refuses a CHROME_PATH that does not start instead of taking another browser', async () => {
    const machine = fake({ env: { CHROME_PATH: '/my/chrome' }, working: ['/bin/chromium'] })
    await expect(ensureBrowser(machine)).rejects.toThrow('CHROME_PATH is /my/chrome')
  })

  it('takes an installed browser and passes over a stub that does not start', async () => {
    const machine = fake({ working: ['/usr/bin/google-chrome'], stubs: ['/bin/chromium-browser'] })
    expect(await ensureBrowser(machine)).toEqual({ path: '/usr/bin/google-chrome', origin: 'installed' })
    expect(machine.ran).not.toContain('apt-get')
  })

  it('installs by apt where it is root on Debian', async () => {
    const machine = fake({ isRootOnDebian: true, afterApt: '/usr/bin/chromium' })
    expect(await ensureBrowser(machine)).toEqual({
      path: '/usr/bin/chromium',
      origin: 'installed now by apt-get',
    })
  })

  it('uses the download of playwright-core elsewhere, without touching apt', async () => {
    const machine = fake({ afterDownload: true })
    expect(await ensureBrowser(machine)).toEqual({
      path: '/cache/chrome',
      origin: 'downloaded now by playwright-core',
    })
    expect(machine.ran).not.toContain('apt-get')
  })

  it('downloads when apt fails', async () => {
    const machine = fake({ isRootOnDebian: true, afterDownload: true })
    expect((await ensureBrowser(machine)).path).toBe('/cache/chrome')
  })

  it('does not download again what an earlier run has downloaded', async () => {
    const machine = fake({ working: ['/cache/chrome'] })
    expect((await ensureBrowser(machine)).origin).toBe('installed')
    expect(machine.ran).toEqual(['/cache/chrome'])
  })

  it('says everything that it tried when there is none', async () => {
    await expect(ensureBrowser(fake({ isRootOnDebian: true }))).rejects.toThrow(
      /none of chromium.*apt-get install chromium: no network.*playwright-core install chromium: no network.*CHROME_PATH/,
    )
  })
})

interface Setting {
  env?: Record<string, string>
  working?: string[]
  /** Present, but not able to start. */
  stubs?: string[]
  isRootOnDebian?: boolean
  afterApt?: string
  afterDownload?: boolean
}

function fake(setting: Setting): Machine & { ran: string[] } {
  const working = new Set(setting.working)
  const ran: string[] = []
  return {
    ran,
    env: { PATH: '/bin:/usr/bin', ...setting.env },
    exists: (path) => working.has(path) || (setting.stubs ?? []).includes(path),
    isRootOnDebian: setting.isRootOnDebian ?? false,
    downloadPath: '/cache/chrome',
    downloader: '/playwright/cli.js',
    run: async (command, args) => {
      ran.push(command)
      if (command === 'apt-get' && setting.afterApt) working.add(setting.afterApt)
      else if (args[0] === '/playwright/cli.js' && setting.afterDownload) working.add('/cache/chrome')
      else if (!working.has(command)) throw new Error('no network')
    },
  }
}
