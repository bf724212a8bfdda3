/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
export type FhirResourceType =
  | 'DocumentReference'
  | 'Media'
  | 'Binary';

export type FileStatus =
  | 'CURRENT'
  | 'SUPERSEDED'
  | 'ENTERED_IN_ERROR';

export type ScanStatus =
  | 'PENDING'
  | 'CLEAN'
  | 'INFECTED'
  | 'FAILED'
  | 'SKIPPED';

export type UploadState =
  | 'OPEN'
  | 'RECEIVING'
  | 'ASSEMBLING'
  | 'STORED'
  | 'COMPLETED'
  | 'FAILED'
  | 'CANCELLED'
  | 'EXPIRED';

export type LinkDelivery =
  | 'DIRECT'
  | 'GATED';

export type LinkState =
  | 'LIVE'
  | 'USED'
  | 'REVOKED'
  | 'EXPIRED';

export type NoteStatus =
  | 'DRAFT'
  | 'SIGNED'
  | 'AMENDED'
  | 'ENTERED_IN_ERROR';

export type PurposeOfUse =
  | 'TREAT'
  | 'HPAYMT'
  | 'HOPERAT'
  | 'PATRQT'
  | 'ETREAT'
  | 'BTG'
  | 'HRESCH';

export type Disposition =
  | 'INLINE'
  | 'ATTACHMENT';

export type SortDirection =
  | 'ASC'
  | 'DESC';

export type FileSortField =
  | 'CREATED_AT'
  | 'TITLE'
  | 'SIZE';

export type UploadFailureCode =
  | 'CHECKSUM_MISMATCH'
  | 'CONTENT_TYPE_MISMATCH'
  | 'INFECTED'
  | 'EXPIRED'
  | 'STORAGE'
  /** The rules no longer allowed it when the last byte had come. */
  | 'REFUSED';

export type FileFilter = {
  kinds?: Array<string> | null | undefined;
  categories?: Array<string> | null | undefined;
  statuses?: Array<FileStatus> | null | undefined;
  resourceTypes?: Array<FhirResourceType> | null | undefined;
  encounterId?: string | null | undefined;
  noteId?: string | null | undefined;
  contentTypePrefix?: string | null | undefined;
  createdFrom?: string | null | undefined;
  createdBefore?: string | null | undefined;
  text?: string | null | undefined;
};

export type FileOrder = {
  field?: FileSortField;
  direction?: SortDirection;
};

export type CreateUploadInput = {
  patientId: string;
  kind: string;
  category?: string | null | undefined;
  /** A media type; parameters such as codecs are ignored. */
  contentType: string;
  /** Null: not known yet (a live recording). */
  size?: number | null | undefined;
  sha256?: string | null | undefined;
  title?: string | null | undefined;
  encounterId?: string | null | undefined;
  noteId?: string | null | undefined;
  capturedAt?: string | null | undefined;
  bodySite?: CodingInput | null | undefined;
  /** Same key and same input: the same upload comes back. */
  idempotencyKey?: string | null | undefined;
};

export type CodingInput = {
  system: string;
  code: string;
  display?: string | null | undefined;
};

export type FinishUploadInput = {
  uploadId: string;
  sha256?: string | null | undefined;
  /** Declares the length of a live recording: all that was received. */
  declareLength?: boolean;
};

export type CancelUploadInput = {
  uploadId: string;
};

export type RetractFileInput = {
  fileId: string;
  expectedVersion: number;
  reason: string;
};

export type RevokeLinksInput = {
  linkId?: string | null | undefined;
  fileId?: string | null | undefined;
  noteId?: string | null | undefined;
  actorId?: string | null | undefined;
  patientId?: string | null | undefined;
  reason: string;
};

export type SupersedeFileInput = {
  fileId: string;
  byFileId: string;
  expectedVersion: number;
};

export type RefileFileInput = {
  fileId: string;
  toPatientId: string;
  toEncounterId?: string | null | undefined;
  reason: string;
  expectedVersion: number;
};

export type CreateNoteInput = {
  patientId: string;
  encounterId?: string | null | undefined;
  title?: string | null | undefined;
  draft: string;
  /** Whole files, and other notes. */
  derivedFrom?: Array<string>;
  /** Files, or spans of recordings. */
  sources?: Array<NoteSourceInput>;
  /** The agent or device whose draft this is, when a person enters it. */
  draftedByDevice?: string | null | undefined;
  idempotencyKey?: string | null | undefined;
};

export type NoteSourceInput = {
  fileId: string;
  /** Seconds, to the millisecond; null for the beginning of the recording. */
  start?: number | null | undefined;
  /** Seconds, not included; null for its end. */
  end?: number | null | undefined;
};

export type UpdateNoteDraftInput = {
  noteId: string;
  expectedVersion: number;
  draft: string;
  title?: string | null | undefined;
  /** With sources: what the draft comes from now. Both null: what it came from. */
  derivedFrom?: Array<string> | null | undefined;
  sources?: Array<NoteSourceInput> | null | undefined;
};

export type SignNoteInput = {
  noteId: string;
  expectedVersion: number;
  /** SHA-256 of the text the clinician saw; checked when given. */
  attestedTextSha256?: string | null | undefined;
};

export type AmendNoteInput = {
  noteId: string;
  draft: string;
  reason: string;
  /** Null: the signed note's. */
  title?: string | null | undefined;
  /** With sources: what the amendment comes from. Both null: what the signed note came from. */
  derivedFrom?: Array<string> | null | undefined;
  sources?: Array<NoteSourceInput> | null | undefined;
  idempotencyKey?: string | null | undefined;
};

export type RetractNoteInput = {
  noteId: string;
  expectedVersion: number;
  reason: string;
};

export type FileFieldsFragment = { id: string, resourceType: FhirResourceType, kind: string, category: string, status: FileStatus, title: string | null, contentType: string, size: number, sha256: string, scanStatus: ScanStatus, legalHold: boolean, confidentiality: string, version: number, createdAt: string, updatedAt: string, capturedAt: string | null, purgedAt: string | null, duration: number | null, width: number | null, height: number | null, encounterId: string | null, uploadedBy: { id: string, display: string | null, role: string | null }, viewerCan: { download: boolean, update: boolean, retract: boolean } };

export type StoredFieldsFragment = { id: string, sha256: string, fhir: unknown };

export type UploadFieldsFragment = { id: string, state: UploadState, patientId: string, kind: string, title: string | null, receivedBytes: number, totalBytes: number | null, createdAt: string, expiresAt: string, failure: { code: UploadFailureCode, message: string, retryable: boolean } | null };

export type NoteFieldsFragment = { id: string, status: NoteStatus, version: number, textSha256: string, title: string | null, text: string, createdAt: string, updatedAt: string, signedAt: string | null, encounterId: string | null, confidentiality: string, author: { id: string, display: string | null, role: string | null }, signer: { id: string, display: string | null, role: string | null } | null };

export type LinkFieldsFragment = { id: string, delivery: LinkDelivery, state: LinkState, issuedAt: string, expiresAt: string, usedAt: string | null, revokedAt: string | null, purposeOfUse: PurposeOfUse, issuedTo: { id: string, display: string | null, role: string | null } };

export type ConflictFieldsFragment = { message: string, currentVersion: number };

export type NotSignableFieldsFragment = { message: string, status: NoteStatus };

export type CreateUploadMutationVariables = Exact<{
  input: CreateUploadInput;
}>;


export type CreateUploadMutation = { createUpload: { upload: { id: string } | null, tus: { url: string, chunkSize: number, expiresAt: string, headers: Array<{ name: string, value: string }> } | null, problems: Array<{ __typename: 'ContentRejected', message: string, field: string, allowed: Array<string> }> } };

export type FinishUploadMutationVariables = Exact<{
  input: FinishUploadInput;
}>;


export type FinishUploadMutation = { finishUpload: { file: { id: string, sha256: string, fhir: unknown } | null, problems: Array<
      | { __typename: 'UploadNotReady', message: string, receivedBytes: number, totalBytes: number | null }
      | { __typename: 'ChecksumMismatch', message: string, expected: string, actual: string }
      | { __typename: 'ContentRejected', message: string, field: string, allowed: Array<string> }
    > } };

export type CancelUploadMutationVariables = Exact<{
  input: CancelUploadInput;
}>;


export type CancelUploadMutation = { cancelUpload: { upload: { id: string, state: UploadState, patientId: string, kind: string, title: string | null, receivedBytes: number, totalBytes: number | null, createdAt: string, expiresAt: string, failure: { code: UploadFailureCode, message: string, retryable: boolean } | null } } };

export type UploadByIdQueryVariables = Exact<{
  id: string;
}>;


export type UploadByIdQuery = { upload: { id: string, state: UploadState, patientId: string, kind: string, title: string | null, receivedBytes: number, totalBytes: number | null, createdAt: string, expiresAt: string, file: { id: string, sha256: string, fhir: unknown } | null, failure: { code: UploadFailureCode, message: string, retryable: boolean } | null } | null };

export type UploadsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  states?: Array<UploadState> | UploadState | null | undefined;
  patientId?: string | null | undefined;
}>;


export type UploadsQuery = { uploads: { nodes: Array<{ id: string, state: UploadState, patientId: string, kind: string, title: string | null, receivedBytes: number, totalBytes: number | null, createdAt: string, expiresAt: string, failure: { code: UploadFailureCode, message: string, retryable: boolean } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type FileByIdQueryVariables = Exact<{
  id: string;
}>;


export type FileByIdQuery = { file: { fhir: unknown, id: string, resourceType: FhirResourceType, kind: string, category: string, status: FileStatus, title: string | null, contentType: string, size: number, sha256: string, scanStatus: ScanStatus, legalHold: boolean, confidentiality: string, version: number, createdAt: string, updatedAt: string, capturedAt: string | null, purgedAt: string | null, duration: number | null, width: number | null, height: number | null, encounterId: string | null, uploadedBy: { id: string, display: string | null, role: string | null }, viewerCan: { download: boolean, update: boolean, retract: boolean } } | null };

export type FilesQueryVariables = Exact<{
  patientId: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: FileFilter | null | undefined;
  orderBy?: FileOrder | null | undefined;
  withTotal?: boolean;
}>;


export type FilesQuery = { files: { totalCount?: number, nodes: Array<{ id: string, resourceType: FhirResourceType, kind: string, category: string, status: FileStatus, title: string | null, contentType: string, size: number, sha256: string, scanStatus: ScanStatus, legalHold: boolean, confidentiality: string, version: number, createdAt: string, updatedAt: string, capturedAt: string | null, purgedAt: string | null, duration: number | null, width: number | null, height: number | null, encounterId: string | null, uploadedBy: { id: string, display: string | null, role: string | null }, viewerCan: { download: boolean, update: boolean, retract: boolean } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type SignUrlMutationVariables = Exact<{
  documentId: string;
  expiresIn?: number | null | undefined;
  delivery?: LinkDelivery;
  disposition?: Disposition;
  singleUse?: boolean;
  purposeOfUse?: PurposeOfUse | null | undefined;
}>;


export type SignUrlMutation = { signedUrl: { url: string, expiresAt: string, documentId: string, linkId: string, auditEventId: string } };

export type RevokeLinksMutationVariables = Exact<{
  input: RevokeLinksInput;
}>;


export type RevokeLinksMutation = { revokeLinks: { revoked: number, links: Array<{ id: string, delivery: LinkDelivery, state: LinkState, issuedAt: string, expiresAt: string, usedAt: string | null, revokedAt: string | null, purposeOfUse: PurposeOfUse, issuedTo: { id: string, display: string | null, role: string | null } }> } };

export type SupersedeFileMutationVariables = Exact<{
  input: SupersedeFileInput;
}>;


export type SupersedeFileMutation = { supersedeFile: { file: { id: string, resourceType: FhirResourceType, kind: string, category: string, status: FileStatus, title: string | null, contentType: string, size: number, sha256: string, scanStatus: ScanStatus, legalHold: boolean, confidentiality: string, version: number, createdAt: string, updatedAt: string, capturedAt: string | null, purgedAt: string | null, duration: number | null, width: number | null, height: number | null, encounterId: string | null, uploadedBy: { id: string, display: string | null, role: string | null }, viewerCan: { download: boolean, update: boolean, retract: boolean } } | null, problems: Array<{ __typename: 'VersionConflict', message: string, currentVersion: number }> } };

export type RefileFileMutationVariables = Exact<{
  input: RefileFileInput;
}>;


export type RefileFileMutation = { refileFile: { file: { id: string, resourceType: FhirResourceType, kind: string, category: string, status: FileStatus, title: string | null, contentType: string, size: number, sha256: string, scanStatus: ScanStatus, legalHold: boolean, confidentiality: string, version: number, createdAt: string, updatedAt: string, capturedAt: string | null, purgedAt: string | null, duration: number | null, width: number | null, height: number | null, encounterId: string | null, uploadedBy: { id: string, display: string | null, role: string | null }, viewerCan: { download: boolean, update: boolean, retract: boolean } } | null, exposures: Array<{ id: string, delivery: LinkDelivery, state: LinkState, issuedAt: string, expiresAt: string, usedAt: string | null, revokedAt: string | null, purposeOfUse: PurposeOfUse, issuedTo: { id: string, display: string | null, role: string | null } }>, problems: Array<{ __typename: 'VersionConflict', message: string, currentVersion: number }> } };

export type RetractFileMutationVariables = Exact<{
  input: RetractFileInput;
}>;


export type RetractFileMutation = { retractFile: { file: { id: string, resourceType: FhirResourceType, kind: string, category: string, status: FileStatus, title: string | null, contentType: string, size: number, sha256: string, scanStatus: ScanStatus, legalHold: boolean, confidentiality: string, version: number, createdAt: string, updatedAt: string, capturedAt: string | null, purgedAt: string | null, duration: number | null, width: number | null, height: number | null, encounterId: string | null, uploadedBy: { id: string, display: string | null, role: string | null }, viewerCan: { download: boolean, update: boolean, retract: boolean } } | null, problems: Array<{ __typename: 'VersionConflict', message: string, currentVersion: number }> } };

export type NoteByIdQueryVariables = Exact<{
  id: string;
}>;


export type NoteByIdQuery = { note: { id: string, status: NoteStatus, version: number, textSha256: string, title: string | null, text: string, createdAt: string, updatedAt: string, signedAt: string | null, encounterId: string | null, confidentiality: string, derivedFrom: Array<{ id: string }>, sources: Array<{ sha256: string, fragment: string | null, start: number | null, end: number | null, file: { id: string } | null, note: { id: string } | null, reference: { reference: string } }>, author: { id: string, display: string | null, role: string | null }, signer: { id: string, display: string | null, role: string | null } | null } | null };

export type CreateNoteMutationVariables = Exact<{
  input: CreateNoteInput;
}>;


export type CreateNoteMutation = { createNote: { note: { id: string, status: NoteStatus, version: number, textSha256: string, title: string | null, text: string, createdAt: string, updatedAt: string, signedAt: string | null, encounterId: string | null, confidentiality: string, author: { id: string, display: string | null, role: string | null }, signer: { id: string, display: string | null, role: string | null } | null } } };

export type UpdateNoteMutationVariables = Exact<{
  input: UpdateNoteDraftInput;
}>;


export type UpdateNoteMutation = { updateNoteDraft: { note: { id: string, status: NoteStatus, version: number, textSha256: string, title: string | null, text: string, createdAt: string, updatedAt: string, signedAt: string | null, encounterId: string | null, confidentiality: string, author: { id: string, display: string | null, role: string | null }, signer: { id: string, display: string | null, role: string | null } | null } | null, problems: Array<
      | { __typename: 'VersionConflict', message: string, currentVersion: number }
      | { __typename: 'NoteNotSignable', message: string, status: NoteStatus }
    > } };

export type SignNoteMutationVariables = Exact<{
  input: SignNoteInput;
}>;


export type SignNoteMutation = { signNote: { note: { id: string, status: NoteStatus, version: number, textSha256: string, title: string | null, text: string, createdAt: string, updatedAt: string, signedAt: string | null, encounterId: string | null, confidentiality: string, author: { id: string, display: string | null, role: string | null }, signer: { id: string, display: string | null, role: string | null } | null } | null, problems: Array<
      | { __typename: 'VersionConflict', message: string, currentVersion: number }
      | { __typename: 'NoteNotSignable', message: string, status: NoteStatus }
      | { __typename: 'TextChanged', message: string, currentSha256: string }
    > } };

export type AmendNoteMutationVariables = Exact<{
  input: AmendNoteInput;
}>;


export type AmendNoteMutation = { amendNote: { note: { id: string, status: NoteStatus, version: number, textSha256: string, title: string | null, text: string, createdAt: string, updatedAt: string, signedAt: string | null, encounterId: string | null, confidentiality: string, author: { id: string, display: string | null, role: string | null }, signer: { id: string, display: string | null, role: string | null } | null } } };

export type RetractNoteMutationVariables = Exact<{
  input: RetractNoteInput;
}>;


export type RetractNoteMutation = { retractNote: { note: { id: string, status: NoteStatus, version: number, textSha256: string, title: string | null, text: string, createdAt: string, updatedAt: string, signedAt: string | null, encounterId: string | null, confidentiality: string, author: { id: string, display: string | null, role: string | null }, signer: { id: string, display: string | null, role: string | null } | null } | null, problems: Array<
      | { __typename: 'VersionConflict', message: string, currentVersion: number }
      | { __typename: 'NoteNotSignable', message: string, status: NoteStatus }
    > } };

/** The text of an operation, carrying the types of its result and variables. */
export type Operation<Result, Variables> = string & { readonly __types?: (variables: Variables) => Result }
export const CreateUpload = "mutation CreateUpload($input:CreateUploadInput!){createUpload(input:$input){upload{id}tus{url headers{name value}chunkSize expiresAt}problems{__typename ...on ContentRejected{message field allowed}}}}" as Operation<CreateUploadMutation, CreateUploadMutationVariables>
export const FinishUpload = "mutation FinishUpload($input:FinishUploadInput!){finishUpload(input:$input){file{...StoredFields}problems{__typename ...on UploadNotReady{message receivedBytes totalBytes}...on ChecksumMismatch{message expected actual}...on ContentRejected{message field allowed}}}}fragment StoredFields on File{id sha256 fhir}" as Operation<FinishUploadMutation, FinishUploadMutationVariables>
export const CancelUpload = "mutation CancelUpload($input:CancelUploadInput!){cancelUpload(input:$input){upload{...UploadFields}}}fragment UploadFields on Upload{id state patientId kind title receivedBytes totalBytes createdAt expiresAt failure{code message retryable}}" as Operation<CancelUploadMutation, CancelUploadMutationVariables>
export const UploadById = "query UploadById($id:ID!){upload(id:$id){...UploadFields file{...StoredFields}}}fragment UploadFields on Upload{id state patientId kind title receivedBytes totalBytes createdAt expiresAt failure{code message retryable}}fragment StoredFields on File{id sha256 fhir}" as Operation<UploadByIdQuery, UploadByIdQueryVariables>
export const Uploads = "query Uploads($first:Int$after:String$states:[UploadState!]$patientId:ID){uploads(first:$first after:$after states:$states patientId:$patientId){nodes{...UploadFields}pageInfo{hasNextPage endCursor}}}fragment UploadFields on Upload{id state patientId kind title receivedBytes totalBytes createdAt expiresAt failure{code message retryable}}" as Operation<UploadsQuery, UploadsQueryVariables>
export const FileById = "query FileById($id:ID!){file(id:$id){...FileFields fhir}}fragment FileFields on File{id resourceType kind category status title contentType size sha256 scanStatus legalHold confidentiality version createdAt updatedAt capturedAt purgedAt duration width height encounterId uploadedBy{id display role}viewerCan{download update retract}}" as Operation<FileByIdQuery, FileByIdQueryVariables>
export const Files = "query Files($patientId:ID!$first:Int$after:String$filter:FileFilter$orderBy:FileOrder$withTotal:Boolean!=false){files(patientId:$patientId first:$first after:$after filter:$filter orderBy:$orderBy){nodes{...FileFields}pageInfo{hasNextPage endCursor}totalCount@include(if:$withTotal)}}fragment FileFields on File{id resourceType kind category status title contentType size sha256 scanStatus legalHold confidentiality version createdAt updatedAt capturedAt purgedAt duration width height encounterId uploadedBy{id display role}viewerCan{download update retract}}" as Operation<FilesQuery, FilesQueryVariables>
export const SignUrl = "mutation SignUrl($documentId:ID!$expiresIn:Int$delivery:LinkDelivery!=DIRECT$disposition:Disposition!=INLINE$singleUse:Boolean!=false$purposeOfUse:PurposeOfUse){signedUrl(documentId:$documentId expiresIn:$expiresIn delivery:$delivery disposition:$disposition singleUse:$singleUse purposeOfUse:$purposeOfUse){url expiresAt documentId linkId auditEventId}}" as Operation<SignUrlMutation, SignUrlMutationVariables>
export const RevokeLinks = "mutation RevokeLinks($input:RevokeLinksInput!){revokeLinks(input:$input){revoked links{...LinkFields}}}fragment LinkFields on Link{id delivery state issuedTo{id display role}issuedAt expiresAt usedAt revokedAt purposeOfUse}" as Operation<RevokeLinksMutation, RevokeLinksMutationVariables>
export const SupersedeFile = "mutation SupersedeFile($input:SupersedeFileInput!){supersedeFile(input:$input){file{...FileFields}problems{__typename ...ConflictFields}}}fragment FileFields on File{id resourceType kind category status title contentType size sha256 scanStatus legalHold confidentiality version createdAt updatedAt capturedAt purgedAt duration width height encounterId uploadedBy{id display role}viewerCan{download update retract}}fragment ConflictFields on VersionConflict{message currentVersion}" as Operation<SupersedeFileMutation, SupersedeFileMutationVariables>
export const RefileFile = "mutation RefileFile($input:RefileFileInput!){refileFile(input:$input){file{...FileFields}exposures{...LinkFields}problems{__typename ...ConflictFields}}}fragment FileFields on File{id resourceType kind category status title contentType size sha256 scanStatus legalHold confidentiality version createdAt updatedAt capturedAt purgedAt duration width height encounterId uploadedBy{id display role}viewerCan{download update retract}}fragment LinkFields on Link{id delivery state issuedTo{id display role}issuedAt expiresAt usedAt revokedAt purposeOfUse}fragment ConflictFields on VersionConflict{message currentVersion}" as Operation<RefileFileMutation, RefileFileMutationVariables>
export const RetractFile = "mutation RetractFile($input:RetractFileInput!){retractFile(input:$input){file{...FileFields}problems{__typename ...ConflictFields}}}fragment FileFields on File{id resourceType kind category status title contentType size sha256 scanStatus legalHold confidentiality version createdAt updatedAt capturedAt purgedAt duration width height encounterId uploadedBy{id display role}viewerCan{download update retract}}fragment ConflictFields on VersionConflict{message currentVersion}" as Operation<RetractFileMutation, RetractFileMutationVariables>
export const NoteById = "query NoteById($id:ID!){note(id:$id){...NoteFields derivedFrom{id}sources{file{id}note{id}reference{reference}sha256 fragment start end}}}fragment NoteFields on Note{id status version textSha256 title text createdAt updatedAt signedAt encounterId confidentiality author{id display role}signer{id display role}}" as Operation<NoteByIdQuery, NoteByIdQueryVariables>
export const CreateNote = "mutation CreateNote($input:CreateNoteInput!){createNote(input:$input){note{...NoteFields}}}fragment NoteFields on Note{id status version textSha256 title text createdAt updatedAt signedAt encounterId confidentiality author{id display role}signer{id display role}}" as Operation<CreateNoteMutation, CreateNoteMutationVariables>
export const UpdateNote = "mutation UpdateNote($input:UpdateNoteDraftInput!){updateNoteDraft(input:$input){note{...NoteFields}problems{__typename ...ConflictFields ...NotSignableFields}}}fragment NoteFields on Note{id status version textSha256 title text createdAt updatedAt signedAt encounterId confidentiality author{id display role}signer{id display role}}fragment ConflictFields on VersionConflict{message currentVersion}fragment NotSignableFields on NoteNotSignable{message status}" as Operation<UpdateNoteMutation, UpdateNoteMutationVariables>
export const SignNote = "mutation SignNote($input:SignNoteInput!){signNote(input:$input){note{...NoteFields}problems{__typename ...ConflictFields ...NotSignableFields ...on TextChanged{message currentSha256}}}}fragment NoteFields on Note{id status version textSha256 title text createdAt updatedAt signedAt encounterId confidentiality author{id display role}signer{id display role}}fragment ConflictFields on VersionConflict{message currentVersion}fragment NotSignableFields on NoteNotSignable{message status}" as Operation<SignNoteMutation, SignNoteMutationVariables>
export const AmendNote = "mutation AmendNote($input:AmendNoteInput!){amendNote(input:$input){note{...NoteFields}}}fragment NoteFields on Note{id status version textSha256 title text createdAt updatedAt signedAt encounterId confidentiality author{id display role}signer{id display role}}" as Operation<AmendNoteMutation, AmendNoteMutationVariables>
export const RetractNote = "mutation RetractNote($input:RetractNoteInput!){retractNote(input:$input){note{...NoteFields}problems{__typename ...ConflictFields ...NotSignableFields}}}fragment NoteFields on Note{id status version textSha256 title text createdAt updatedAt signedAt encounterId confidentiality author{id display role}signer{id display role}}fragment ConflictFields on VersionConflict{message currentVersion}fragment NotSignableFields on NoteNotSignable{message status}" as Operation<RetractNoteMutation, RetractNoteMutationVariables>
