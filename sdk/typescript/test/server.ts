// A real server for the tests: database, S3 and all, in a directory of its own.
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    server: { url: string; binary: string; directory: string }
  }
}

const run = promisify(execFile)
const repository = fileURLToPath(new URL('../../../', import.meta.url))

export default async function start(project: TestProject) {
  const directory = await mkdtemp(join(tmpdir(), 'bonfire-client-'))
  const binary = process.env.BONFIRE_BINARY ?? (await build(join(directory, 'bonfire')))
  const address = `127.0.0.1:${await freePort()}`
  const url = `http://${address}`
  const env = { ...process.env, BONFIRE_ADDR: address, BONFIRE_PUBLIC_URL: url }
  const server = spawn(binary, ['serve', '--dev'], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (text) => (log += text))
  const ended = new Promise<void>((resolve) => server.on('exit', () => resolve()))
  const stop = async () => {
    server.kill('SIGTERM')
    await ended
    await run(binary, ['devstack', '--remove'], { cwd: directory }) // its database may lie elsewhere
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await ready(url, ended)
  } catch (error) {
    await stop()
    throw new Error(`the server did not start:\n${log}`, { cause: error })
  }
  project.provide('server', { url, binary, directory })
  return stop
}

async function build(binary: string): Promise<string> {
  await run('go', ['build', '-o', binary, './cmd/bonfire'], { cwd: repository, maxBuffer: 1 << 24 })
  return binary
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function ready(url: string, ended: Promise<void>): Promise<void> {
  let gone = false
  void ended.then(() => (gone = true))
  for (const deadline = Date.now() + 60_000; Date.now() < deadline && !gone; ) {
    if (await fetch(`${url}/readyz`).then((r) => r.ok, () => false)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(gone ? 'it ended' : 'it took more than a minute')
}
