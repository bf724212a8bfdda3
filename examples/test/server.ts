// The server of the client's tests, told of a webhook where nobody listens until a test does.
import type { TestProject } from 'vitest/node'
import start, { freePort } from '../../sdk/typescript/test/server.js'

declare module 'vitest' {
  interface ProvidedContext {
    webhook: { port: number; secret: string }
  }
}

export default async function startWithWebhook(project: TestProject) {
  const webhook = { port: await freePort(), secret: 'a secret that only these tests know' }
  process.env.BONFIRE_WEBHOOK_URL = `http://127.0.0.1:${webhook.port}/`
  process.env.BONFIRE_WEBHOOK_SECRET = webhook.secret
  project.provide('webhook', webhook)
  return start(project)
}
