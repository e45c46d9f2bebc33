// Request ids: unique on a connection while they are outstanding.
import { maxRequestId, type RequestId } from '../protocol/index.ts'

export function createIds(): () => RequestId {
  let last = 0
  return () => {
    last = last === maxRequestId ? 1 : last + 1
    return last
  }
}
