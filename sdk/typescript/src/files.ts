import type { Api } from './api.js'
import { present, throwProblem } from './errors.js'
import type { FileResource } from './fhir.js'
import type {
  Disposition,
  FileFieldsFragment,
  FileFilter,
  FileOrder,
  LinkDelivery,
  LinkFieldsFragment,
  PurposeOfUse,
  RevokeLinksInput,
} from './generated/operations.js'
import { FileById, Files, RefileFile, RetractFile, RevokeLinks, SignUrl, SupersedeFile } from './generated/operations.js'

/** A file as lists show it. */
export type ClinicalFile = FileFieldsFragment
/** A file with its FHIR resource, exactly as a Bundle exports it. */
export type ClinicalFileWithResource = ClinicalFile & { fhir: FileResource }
/** A link as the server remembers it: who asked, until when, whether it was used. */
export type Link = LinkFieldsFragment

export interface SignedUrlOptions {
  /** The id of a file or of a note. */
  documentId: string
  /** Seconds; the server's own ceiling wins. */
  expiresIn?: number | undefined
  /** `GATED` links can be revoked after they were given out; `DIRECT` ones are the bucket's own. */
  delivery?: LinkDelivery | undefined
  disposition?: Disposition | undefined
  singleUse?: boolean | undefined
  purposeOfUse?: PurposeOfUse | undefined
}

export interface SignedUrl {
  url: string
  /** RFC 3339, UTC. */
  expiresAt: string
  documentId: string
  linkId: string
  auditEventId: string
}

export interface ListOptions {
  patientId: string
  filter?: FileFilter | undefined
  orderBy?: FileOrder | undefined
  /** Files a page, at most 100. */
  first?: number | undefined
  /** `pageInfo.endCursor` of the page before. */
  after?: string | null | undefined
  /** Also count all files: costs the server a second look. */
  withTotal?: boolean | undefined
}

export interface FilePage {
  nodes: ClinicalFile[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
  totalCount?: number | undefined
}

/** A short-lived address of the bytes. Each call is decided, recorded and never cached. */
export async function signedUrl(api: Api, options: SignedUrlOptions): Promise<SignedUrl> {
  return (await api.once(SignUrl, options)).signedUrl
}

export async function get(api: Api, { fileId }: { fileId: string }): Promise<ClinicalFileWithResource> {
  return present((await api.again(FileById, { id: fileId })).file) as ClinicalFileWithResource
}

/** One page of a patient's files, newest first unless ordered otherwise. */
export async function list(api: Api, options: ListOptions): Promise<FilePage> {
  return (await api.again(Files, options)).files
}

/** All of a patient's files, page after page as they are asked for. */
export async function* each(api: Api, options: Omit<ListOptions, 'after' | 'withTotal'>): AsyncGenerator<ClinicalFile, void, undefined> {
  for (let after: string | null = null; ; ) {
    const page: FilePage = await list(api, { first: 100, ...options, after })
    yield* page.nodes
    after = page.pageInfo.endCursor
    if (!page.pageInfo.hasNextPage || !after) return
  }
}

/** A newer file takes the place of an older one; both stay readable. Answers the older one. */
export async function supersede(api: Api, options: { fileId: string; byFileId: string; version: number }): Promise<ClinicalFile> {
  const { version: expectedVersion, ...input } = options
  const { supersedeFile } = await api.once(SupersedeFile, { input: { ...input, expectedVersion } })
  throwProblem(supersedeFile.problems)
  return present(supersedeFile.file)
}

export interface RefileOptions {
  fileId: string
  toPatientId: string
  toEncounterId?: string | undefined
  reason: string
  version: number
}

/** Moves a file out of the wrong chart; `exposures` are the links that were issued there. */
export async function refile(api: Api, options: RefileOptions): Promise<{ file: ClinicalFile; exposures: Link[] }> {
  const { version: expectedVersion, ...input } = options
  const { refileFile } = await api.once(RefileFile, { input: { ...input, expectedVersion } })
  throwProblem(refileFile.problems)
  return { file: present(refileFile.file), exposures: refileFile.exposures }
}

/** Marks a file as entered in error. */
export async function retract(api: Api, options: { fileId: string; reason: string; version: number }): Promise<ClinicalFile> {
  const { version: expectedVersion, ...input } = options
  const { retractFile } = await api.once(RetractFile, { input: { ...input, expectedVersion } })
  throwProblem(retractFile.problems)
  return present(retractFile.file)
}

/** Ends the links of a file, a patient or an actor, or a single one. */
export async function revokeLinks(api: Api, options: RevokeLinksInput): Promise<{ revoked: number; links: Link[] }> {
  return (await api.again(RevokeLinks, { input: options })).revokeLinks
}
