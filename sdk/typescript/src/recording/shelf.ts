// Where the sealed bytes lie: files of the origin's private file system, one for
// each piece. A file of their own, because appending to one means copying it
// whole in Chromium; and a writable stream, because a handle that writes in place
// needs a worker, which a strict content security policy may not give. Where
// there is no such stream (Safari before 26), the bytes lie in the journal.
import type { Journal, PieceRow } from './journal.js'

export interface Shelf {
  /** Stores the piece; it is there after a crash once this resolves. */
  put(row: PieceRow, sealed: ArrayBuffer): Promise<void>
  get(recording: string, seq: number): Promise<ArrayBuffer>
  drop(recording: string, seqs: readonly number[]): Promise<void>
  /** Forgets the recording altogether. */
  dropAll(recording: string): Promise<void>
}

export async function shelfOf(journal: Journal): Promise<Shelf> {
  const root = await files()
  return root ? new FileShelf(journal, root) : new JournalShelf(journal)
}

async function files(): Promise<FileSystemDirectoryHandle | null> {
  if (typeof FileSystemFileHandle !== 'function' || !('createWritable' in FileSystemFileHandle.prototype)) return null
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle('bonfire-recordings', { create: true })
  } catch {
    return null // a private window, or a browser that was told not to store
  }
}

class FileShelf implements Shelf {
  constructor(
    readonly journal: Journal,
    readonly root: FileSystemDirectoryHandle,
  ) {}

  async put(row: PieceRow, sealed: ArrayBuffer): Promise<void> {
    const directory = await this.root.getDirectoryHandle(row.recording, { create: true })
    const file = await directory.getFileHandle(String(row.seq), { create: true })
    const stream = await file.createWritable()
    await stream.write(sealed)
    await stream.close() // takes the file's place as a whole, or not at all
    await this.journal.putPiece(row)
  }

  async get(recording: string, seq: number): Promise<ArrayBuffer> {
    const directory = await this.root.getDirectoryHandle(recording)
    return (await (await directory.getFileHandle(String(seq))).getFile()).arrayBuffer()
  }

  async drop(recording: string, seqs: readonly number[]): Promise<void> {
    await this.journal.dropPieces(recording, seqs)
    const directory = await this.root.getDirectoryHandle(recording)
    for (const seq of seqs) await directory.removeEntry(String(seq)).catch(missing)
  }

  async dropAll(recording: string): Promise<void> {
    await this.journal.dropRecording(recording)
    await this.root.removeEntry(recording, { recursive: true }).catch(missing)
  }
}

class JournalShelf implements Shelf {
  constructor(readonly journal: Journal) {}

  put(row: PieceRow, sealed: ArrayBuffer): Promise<void> {
    return this.journal.putPiece({ ...row, sealed })
  }

  async get(recording: string, seq: number): Promise<ArrayBuffer> {
    const row = await this.journal.piece(recording, seq)
    if (!row?.sealed) throw new DOMException('there is no such piece', 'NotFoundError')
    return row.sealed
  }

  drop(recording: string, seqs: readonly number[]): Promise<void> {
    return this.journal.dropPieces(recording, seqs)
  }

  dropAll(recording: string): Promise<void> {
    return this.journal.dropRecording(recording)
  }
}

function missing(error: unknown): void {
  if (!(error instanceof DOMException) || error.name !== 'NotFoundError') throw error
}
