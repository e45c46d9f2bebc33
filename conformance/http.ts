// Plain HTTP requests of the judge: one answer or one failure, always as a value, always within a deadline.
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'

const maxBodyBytes = 16 * 1024 * 1024

export interface HttpOptions {
  timeoutMs: number
  insecure: boolean
  method?: string
  headers?: Record<string, string>
  body?: string
}

export interface HttpAnswer {
  /** 0 if there was no answer; `failure` says why. */
  status: number
  headers: Headers
  body: string
  failure?: string
  /** The body as JSON; undefined if it is none. */
  json(): unknown
}

export function requestHttp(url: URL, options: HttpOptions): Promise<HttpAnswer> {
  const { timeoutMs, insecure, method = 'GET', headers = {}, body } = options
  const send = url.protocol === 'https:' ? requestTls : requestPlain
  return new Promise((resolve) => {
    const finish = (status: number, found: Headers, text: string, failure?: string): void => {
      clearTimeout(timer)
      resolve({ status, headers: found, body: text, json: () => parse(text), ...(failure && { failure }) })
    }
    const request = send(
      url,
      { method, headers, agent: false, rejectUnauthorized: !insecure },
      (response) => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > maxBodyBytes)
            request.destroy(new Error(`the answer is longer than ${maxBodyBytes} bytes`))
          else chunks.push(chunk)
        })
        response.on('error', (error) => finish(0, new Headers(), '', error.message))
        response.on('end', () =>
          finish(response.statusCode ?? 0, headersOf(response.rawHeaders), Buffer.concat(chunks).toString()),
        )
      },
    )
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    request.on('error', (error) => finish(0, new Headers(), '', error.message))
    request.end(body)
  })
}

function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers()
  for (let index = 0; index + 1 < raw.length; index += 2)
    headers.append(raw[index] ?? '', raw[index + 1] ?? '')
  return headers
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
