import type { FileDetailQuery } from '../generated/operations.js'

/** A file with all that the drawer shows of it. */
export type FileDetailed = NonNullable<FileDetailQuery['file']>
