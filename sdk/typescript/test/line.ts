// A telephone line to the server that can be cut: a TCP proxy which counts.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export class Line {
  /** Bytes that the client has put on the line, headers and all. */
  sent = 0
  cuts = 0
  /** While down, every connection is refused. */
  down = false
  #server: Server
  #pairs = new Set<[Socket, Socket]>()
  #points: number[] = []
  #mute = Infinity

  private constructor(readonly target: URL) {
    this.#server = createServer((near) => this.#join(near))
  }

  static async to(url: string): Promise<Line> {
    const line = new Line(new URL(url))
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve))
    return line
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Cuts when so many bytes were sent in all. */
  cutAt(...points: number[]): void {
    this.#points = [...this.#points, ...points].sort((a, b) => a - b)
  }

  /** Loses the first answer that comes after so many bytes were sent in all, and its connection. */
  loseAnswerAfter(bytes: number): void {
    this.#mute = bytes
  }

  /** Resets every connection for the client. The server gets what had passed, and then no more. */
  cut(): void {
    this.cuts++
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy()
      far.end()
    }
    this.#pairs.clear()
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) for (const end of pair) end.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /**
   * The server names its own address in what it answers: this fetch goes over
   * the line, and has the bytes sent over it too.
   */
  get fetch(): typeof globalThis.fetch {
    return async (input, init) => {
      const response = await fetch(String(input), init)
      const text = (await response.text()).replaceAll(this.target.origin, this.url)
      return new Response(text, { status: response.status, headers: response.headers })
    }
  }

  #join(near: Socket): void {
    if (this.down) return void near.resetAndDestroy()
    const far = connect(Number(this.target.port), this.target.hostname)
    const pair: [Socket, Socket] = [near, far]
    this.#pairs.add(pair)
    for (const end of pair) {
      end.on('error', () => {})
      end.on('close', () => {
        if (!this.#pairs.delete(pair)) return // cut: the far end is still given the rest
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (data) => {
      this.sent += data.length
      const point = this.#points[0] ?? Infinity
      if (this.sent >= point) {
        this.#points.shift()
        far.write(data.subarray(0, data.length - (this.sent - point)))
        return this.cut()
      }
      if (!far.write(data)) near.pause()
    })
    far.on('drain', () => near.resume())
    far.on('data', (data) => {
      if (this.sent >= this.#mute) {
        this.#mute = Infinity
        return this.cut()
      }
      if (!near.write(data)) far.pause()
    })
    near.on('drain', () => far.resume())
    near.on('end', () => far.end())
    far.on('end', () => near.end())
  }
}
