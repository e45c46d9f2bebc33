// Cases that no defect of the table makes red, and why they stay.
const library = 'the WebSocket library of the server does it, and cannot be told to do it wrongly'
const long = 'it takes minutes, and what it needs is shown by a quicker one'
const unjudged = 'a server that does it wrongly lets nobody in, and the preflight says so'
const generated = 'its tests hold it against the defects of conformance/properties/testing/defects.ts'

export const kept: Readonly<Record<string, string>> = {
  'auth/upgrade-at-ws-is-accepted': unjudged,
  'security/upgrade-without-origin-is-accepted': unjudged,
  'errors/closing-handshake-is-completed': library,
  'wire/broken-frames-end-the-connection': library,
  'wire/unmasked-frame-is-not-acted-on': library,
  'wire/broken-handshake-is-refused': library,
  'wire/handshake-in-any-spelling-is-accepted': library,
  'limits/unfinished-handshake-ends-its-connection': long,
  'resume/absent-device-is-remembered': long,
  'resume/silent-device-resumes': long,
  'resume/everybody-comes-back-at-once': long,
  'security/metrics-are-not-for-other-machines': 'judge and server are on one machine here',
  'security/remote-server-offers-tls': 'judge and server are on one machine here',
  'security/log-keeps-secrets': 'the server of this folder writes no log',
  'properties/what-is-sent-arrives-in-one-order': generated,
  'properties/repeats-stay-one-message': generated,
  'properties/members-see-their-windows': generated,
  'properties/history-is-the-log': generated,
  'properties/return-brings-what-was-missed': generated,
  'properties/receipts-only-advance': generated,
  'properties/everything-at-once':
    'all of the other properties in longer sequences; no defect is planted for it alone',
}
