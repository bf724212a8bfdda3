const least = 64 << 10
const first = 256 << 10

/**
 * How many bytes to put into one request: what a cut request had sent may be
 * lost with it, and a browser sends all of it once more, by itself, before it says
 * that the line broke. A file that fits into one goes in one. A longer one begins
 * with 256 KiB and doubles what has arrived, up to the server's own part size. On
 * a line that breaks, a request carries one part in 32 of what usually gets through
 * between two breaks. A line that has held eight times as long as usual is
 * trusted again, with a sixteenth of what it has carried since.
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
    const since = this.#at - this.#from
    const careful = since < 8 * this.#run ? this.#run / 32 : since / 16
    return Math.round(Math.min(this.most, Math.max(least, careful)))
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
