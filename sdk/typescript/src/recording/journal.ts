// What a device remembers about recordings: rows in IndexedDB. Nothing here
// names a patient; what does is sealed (vault.ts).

/** One recording of one login. `sealed` is its manifest. */
export interface RecordingRow {
  id: string
  login: string
  sealed: ArrayBuffer
}

/** One piece of sound that the server may not have yet. */
export interface PieceRow {
  recording: string
  seq: number
  /** Offset in the stored file. */
  at: number
  size: number
  /** Seconds of the recording before and after it. */
  from: number
  until: number
  /** The sealed bytes, where there is no file system for them (shelf.ts). */
  sealed?: ArrayBuffer
}

/** A login's key. It cannot be exported. */
export interface KeyRow {
  login: string
  key: CryptoKey
  /** Milliseconds since 1970, when it was last used. */
  usedAt: number
}

const name = 'bonfire-recordings'

export class Journal {
  private constructor(readonly db: IDBDatabase) {}

  static async open(): Promise<Journal> {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('keys', { keyPath: 'login' })
      request.result.createObjectStore('recordings', { keyPath: 'id' })
      request.result.createObjectStore('pieces', { keyPath: ['recording', 'seq'] })
    }
    const db = await answer(request)
    db.onversionchange = () => db.close() // another tab has a newer client
    return new Journal(db)
  }

  close(): void {
    this.db.close()
  }

  key(login: string): Promise<KeyRow | undefined> {
    return this.#read('keys', (store) => store.get(login))
  }

  keys(): Promise<KeyRow[]> {
    return this.#read('keys', (store) => store.getAll())
  }

  /** Keeps a login's first key: two tabs that make one at once end up with the same. */
  async addKey(row: KeyRow): Promise<KeyRow> {
    const tx = this.#transaction(['keys'])
    const store = tx.objectStore('keys')
    const before = (await answer(store.get(row.login))) as KeyRow | undefined
    store.put(before ? { ...before, usedAt: row.usedAt } : row)
    await done(tx)
    return before ?? row
  }

  recording(id: string): Promise<RecordingRow | undefined> {
    return this.#read('recordings', (store) => store.get(id))
  }

  async recordings(login: string): Promise<RecordingRow[]> {
    const all = await this.#read<RecordingRow[]>('recordings', (store) => store.getAll())
    return all.filter((row) => row.login === login)
  }

  pieces(recording: string): Promise<PieceRow[]> {
    return this.#read('pieces', (store) => store.getAll(range(recording)))
  }

  piece(recording: string, seq: number): Promise<PieceRow | undefined> {
    return this.#read('pieces', (store) => store.get([recording, seq]))
  }

  /** Writes a recording's manifest; it is on disk when this resolves. */
  async put(row: RecordingRow): Promise<void> {
    const tx = this.#transaction(['recordings'])
    tx.objectStore('recordings').put(row)
    await done(tx)
  }

  async putPiece(row: PieceRow): Promise<void> {
    const tx = this.#transaction(['pieces'])
    tx.objectStore('pieces').put(row)
    await done(tx)
  }

  /** Writes a manifest together with new offsets of the recording's pieces. */
  async move(row: RecordingRow, offsets: ReadonlyMap<number, number>): Promise<void> {
    const tx = this.#transaction(['recordings', 'pieces'])
    tx.objectStore('recordings').put(row)
    const pieces = tx.objectStore('pieces')
    for (const piece of (await answer(pieces.getAll(range(row.id)))) as PieceRow[]) {
      const at = offsets.get(piece.seq)
      if (at === undefined) pieces.delete([row.id, piece.seq])
      else pieces.put({ ...piece, at })
    }
    await done(tx)
  }

  async dropPieces(recording: string, seqs: readonly number[]): Promise<void> {
    const tx = this.#transaction(['pieces'])
    for (const seq of seqs) tx.objectStore('pieces').delete([recording, seq])
    await done(tx)
  }

  async dropRecording(id: string): Promise<void> {
    const tx = this.#transaction(['recordings', 'pieces'])
    tx.objectStore('recordings').delete(id)
    tx.objectStore('pieces').delete(range(id))
    await done(tx)
  }

  async dropKey(login: string): Promise<void> {
    const tx = this.#transaction(['keys'])
    tx.objectStore('keys').delete(login)
    await done(tx)
  }

  #transaction(stores: string[]): IDBTransaction {
    return this.db.transaction(stores, 'readwrite', { durability: 'strict' })
  }

  #read<T>(store: string, ask: (store: IDBObjectStore) => IDBRequest): Promise<T> {
    return answer(ask(this.db.transaction(store).objectStore(store))) as Promise<T>
  }
}

const range = (recording: string) => IDBKeyRange.bound([recording, 0], [recording, Infinity])

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

function done(tx: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    tx.oncomplete = () => resolve()
    tx.onabort = () => reject(tx.error ?? new DOMException('the transaction was aborted', 'AbortError'))
  })
}
