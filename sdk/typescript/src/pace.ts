const least = 128 << 10
const first = 1 << 20

/**
 * How many bytes to put into one request: what a cut request had sent may be
 * lost with it. A file that fits into one goes in one. A longer one begins with
 * 1 MiB and doubles what has arrived, up to the server's own part size. On a line
 * that breaks, a request carries a sixteenth of what usually gets through between
 * two breaks, so that a break costs about 3 % of that (browsers lose some more).
 */
export class Pace {
  #at = 0
  #from = 0 // where the run since the last break began
  #run: number | null = null // usual length of a run, once there was a break

  constructor(
    /** The server's part size. */
    readonly most: number,
    /** The file's; null while unknown. */
    readonly size: number | null,
  ) {}

  get chunk(): number {
    if (this.#run === null) {
      const whole = this.size !== null && this.size <= this.most
      return whole ? this.most : Math.min(this.most, Math.max(first, this.#at))
    }
    const run = Math.max(this.#run, this.#at - this.#from)
    return Math.round(Math.min(this.most, Math.max(least, run / 16)))
  }

  /** The server has acknowledged so many bytes. */
  reached(offset: number): void {
    this.#at = Math.max(this.#at, offset)
  }

  /** The line broke. Breaks without any progress between them count as one. */
  broke(): void {
    const run = this.#at - this.#from
    if (run === 0 && this.#run !== null) return
    this.#run = this.#run === null ? run : (this.#run + run) / 2
    this.#from = this.#at
  }
}
