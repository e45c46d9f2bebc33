// Flag values: what is read, and what a refusal says.
import { describe, expect, it } from 'vitest'
import { collect, duration, durationMs, integer, limit, listOf, shrinkPath, sizeBytes } from './values.ts'

describe('values', () => {
  it('reads durations with their unit', () => {
    expect(['500ms', '30s', '1.5m', '2h', '7d', '0s'].map(durationMs)).toEqual([
      500, 30_000, 90_000, 7_200_000, 604_800_000, 0,
    ])
  })

  it.each(['30', '-1s', '1 s', 's', '1w', ''])('refuses %o as a duration', (text) => {
    expect(() => durationMs(text)).toThrow('Allowed: a number with its unit, like 500ms, 30s, 5m, 2h or 7d.')
  })

  it('refuses a duration out of range and says the range', () => {
    expect(duration(100, 60_000)('1m')).toBe(60_000)
    expect(() => duration(100, 60_000)('61s')).toThrow('Allowed: from 100ms to 1m.')
  })

  it('reads sizes, in bytes without a unit', () => {
    expect(['65536', '64KiB', '1MiB', '1.5KB', '7B'].map(sizeBytes)).toEqual([
      65_536, 65_536, 1_048_576, 1_500, 7,
    ])
    expect(() => sizeBytes('1GB')).toThrow('Allowed: a number of bytes, like 65536, 64KiB or 1MiB.')
  })

  it('reads the path of a counterexample', () => {
    expect(shrinkPath('17:0:3')).toBe('17:0:3')
    for (const text of ['', ':', '1:', '1:a', '-1'])
      expect(() => shrinkPath(text)).toThrow('Allowed: numbers with colons between them, like 17:0:3.')
  })

  it('reads whole numbers in a range and nothing else', () => {
    expect(integer(0, 65_535)('65535')).toBe(65_535)
    for (const text of ['65536', '-1', '1.0', '1e3', '0x10', '', ' 1']) {
      expect(() => integer(0, 65_535)(text)).toThrow('Allowed: a whole number from 0 to 65535.')
    }
  })

  it('collects repeated flags in order', () => {
    expect(collect('b', collect('a', undefined))).toEqual(['a', 'b'])
  })

  it('reads lists of names once each, and suggests the nearest', () => {
    const read = listOf(['json', 'junit', 'html'])
    expect(read('html,json', undefined)).toEqual(['html', 'json'])
    expect(read('json', read('html, json', undefined))).toEqual(['html', 'json'])
    expect(() => read('junti', undefined)).toThrow('Allowed: one of json, junit, html. Did you mean junit?')
  })

  it('reads limits by name, with units where they have one', () => {
    const limits = ['window=64', 'ackTimeoutMs=10s', 'maxFrame=64KiB', 'helloTimeoutMs=500']
    const read = limits.reduce<ReturnType<typeof limit> | undefined>(
      (earlier, text) => limit(text, earlier),
      undefined,
    )
    expect(read).toEqual({ window: 64, ackTimeoutMs: 10_000, maxFrame: 65_536, helloTimeoutMs: 500 })
    expect(() => limit('windw=1', undefined)).toThrow('Did you mean window?')
    expect(() => limit('window', undefined)).toThrow('Allowed: name=value, like window=64.')
    expect(() => limit('window=64KiB', undefined)).toThrow('Allowed: a whole number.')
  })
})
