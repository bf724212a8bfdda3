/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode } from '@apollo/client'
import { parse } from 'graphql'
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

export type AuditAction =
  | 'CREATE'
  | 'READ'
  | 'UPDATE'
  | 'DELETE'
  | 'EXECUTE';

export type AuditOutcome =
  | 'SUCCESS'
  | 'MINOR_FAILURE'
  | 'SERIOUS_FAILURE'
  | 'MAJOR_FAILURE';

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

export type BreakGlassInput = {
  patientId: string;
  reason: string;
  expiresIn?: number;
};

export type FileEventType =
  | 'CREATED'
  | 'UPDATED'
  | 'RETRACTED'
  | 'SCANNED'
  /** A note names the file as a source; `File.notes` has those that the caller may see. */
  | 'LINKED';

export type AccessReportQueryVariables = Exact<{
  patientId: string;
  after?: string | null | undefined;
}>;


export type AccessReportQuery = { fileAccessReport: { nodes: Array<{ id: string, recordedAt: string, action: AuditAction, outcome: AuditOutcome, outcomeDesc: string | null, purposeOfUse: Array<PurposeOfUse>, requestId: string | null, subtype: Array<{ code: string, display: string | null }>, actor: { id: string, display: string | null, role: string | null }, entities: Array<{ reference: string, type: string | null }> }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type FileRowFragment = { id: string, kind: string, category: string, status: FileStatus, title: string | null, contentType: string, size: number, scanStatus: ScanStatus, version: number, createdAt: string, duration: number | null, uploadedBy: { id: string, display: string | null }, viewerCan: { download: boolean, update: boolean, retract: boolean } };

export type FilesQueryVariables = Exact<{
  patientId: string;
  first: number;
  after?: string | null | undefined;
  filter?: FileFilter | null | undefined;
}>;


export type FilesQuery = { files: { nodes: Array<{ id: string, kind: string, category: string, status: FileStatus, title: string | null, contentType: string, size: number, scanStatus: ScanStatus, version: number, createdAt: string, duration: number | null, uploadedBy: { id: string, display: string | null }, viewerCan: { download: boolean, update: boolean, retract: boolean } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type FileDetailQueryVariables = Exact<{
  id: string;
}>;


export type FileDetailQuery = { file: { resourceType: FhirResourceType, sha256: string, legalHold: boolean, confidentiality: string, capturedAt: string | null, purgedAt: string | null, width: number | null, height: number | null, id: string, kind: string, category: string, status: FileStatus, title: string | null, contentType: string, size: number, scanStatus: ScanStatus, version: number, createdAt: string, duration: number | null, patient: { id: string, displayName: string | null }, supersededBy: { id: string, title: string | null } | null, supersedes: { id: string, title: string | null } | null, notes: { nodes: Array<{ id: string, title: string | null, status: NoteStatus }> }, provenance: Array<{ id: string, recordedAt: string, reason: string | null, activity: { code: string, display: string | null }, agents: Array<{ type: { code: string, display: string | null }, who: { reference: string, display: string | null } }>, sources: Array<{ reference: string }> }>, uploadedBy: { id: string, display: string | null }, viewerCan: { download: boolean, update: boolean, retract: boolean } } | null };

export type FileEventsSubscriptionVariables = Exact<{
  patientId: string;
  afterCursor?: string | null | undefined;
}>;


export type FileEventsSubscription = { fileEvents: { cursor: string, type: FileEventType, at: string, file: { id: string, kind: string, category: string, status: FileStatus, title: string | null, contentType: string, size: number, scanStatus: ScanStatus, version: number, createdAt: string, duration: number | null, uploadedBy: { id: string, display: string | null }, viewerCan: { download: boolean, update: boolean, retract: boolean } } } };

export type NoteRowFragment = { id: string, status: NoteStatus, version: number, title: string | null, createdAt: string, updatedAt: string, signedAt: string | null, author: { id: string, display: string | null }, signer: { id: string, display: string | null } | null };

export type NotesQueryVariables = Exact<{
  patientId: string;
  after?: string | null | undefined;
}>;


export type NotesQuery = { notes: { nodes: Array<{ id: string, status: NoteStatus, version: number, title: string | null, createdAt: string, updatedAt: string, signedAt: string | null, author: { id: string, display: string | null }, signer: { id: string, display: string | null } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type NoteDetailQueryVariables = Exact<{
  id: string;
}>;


export type NoteDetailQuery = { note: { text: string, textSha256: string, id: string, status: NoteStatus, version: number, title: string | null, createdAt: string, updatedAt: string, signedAt: string | null, derivedFrom: Array<{ id: string, kind: string, title: string | null }>, amends: { id: string, title: string | null } | null, amendedBy: { id: string, title: string | null } | null, versions: Array<{ version: number, status: NoteStatus, at: string, textSha256: string, author: { id: string, display: string | null } }>, provenance: Array<{ id: string, recordedAt: string, reason: string | null, activity: { code: string, display: string | null }, agents: Array<{ type: { code: string, display: string | null }, who: { reference: string, display: string | null } }>, sources: Array<{ reference: string }> }>, author: { id: string, display: string | null }, signer: { id: string, display: string | null } | null } | null };

export type PatientsQueryVariables = Exact<{
  text?: string | null | undefined;
  after?: string | null | undefined;
}>;


export type PatientsQuery = { patients: { nodes: Array<{ id: string, displayName: string | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type PatientQueryVariables = Exact<{
  id: string;
}>;


export type PatientQuery = { patient: { id: string, displayName: string | null } | null };

export type BreakGlassMutationVariables = Exact<{
  input: BreakGlassInput;
}>;


export type BreakGlassMutation = { breakGlass: { grantId: string, expiresAt: string } };

export type ProvenanceLineFragment = { id: string, recordedAt: string, reason: string | null, activity: { code: string, display: string | null }, agents: Array<{ type: { code: string, display: string | null }, who: { reference: string, display: string | null } }>, sources: Array<{ reference: string }> };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { id: string, display: string, roles: Array<string> } };

export type KindsQueryVariables = Exact<{ [key: string]: never; }>;


export type KindsQuery = { kinds: Array<{ code: string, display: string, category: string, contentTypes: Array<string>, maxSize: number, requiresEncounter: boolean, allowEmpty: boolean }> };

export type UploadsUnderWayQueryVariables = Exact<{
  patientId: string;
}>;


export type UploadsUnderWayQuery = { uploads: { nodes: Array<{ id: string, state: UploadState, kind: string, title: string | null, receivedBytes: number, totalBytes: number | null, createdAt: string, failure: { code: UploadFailureCode, message: string } | null }> } };

export type UploadLineFragment = { id: string, state: UploadState, kind: string, title: string | null, receivedBytes: number, totalBytes: number | null, createdAt: string, failure: { code: UploadFailureCode, message: string } | null };

export type UploadProgressSubscriptionVariables = Exact<{
  uploadId: string;
}>;


export type UploadProgressSubscription = { uploadProgress: { id: string, state: UploadState, kind: string, title: string | null, receivedBytes: number, totalBytes: number | null, createdAt: string, failure: { code: UploadFailureCode, message: string } | null } };

const document = (text: string) => parse(text, { noLocation: true })
export const AccessReport = document("query AccessReport($patientId:ID!$after:String){fileAccessReport(patientId:$patientId first:50 after:$after){nodes{id recordedAt action outcome outcomeDesc subtype{code display}actor{id display role}purposeOfUse entities{reference type}requestId}pageInfo{hasNextPage endCursor}}}") as TypedDocumentNode<AccessReportQuery, AccessReportQueryVariables>
export const Files = document("query Files($patientId:ID!$first:Int!$after:String$filter:FileFilter){files(patientId:$patientId first:$first after:$after filter:$filter){nodes{...FileRow}pageInfo{hasNextPage endCursor}}}fragment FileRow on File{id kind category status title contentType size scanStatus version createdAt duration uploadedBy{id display}viewerCan{download update retract}}") as TypedDocumentNode<FilesQuery, FilesQueryVariables>
export const FileDetail = document("query FileDetail($id:ID!){file(id:$id){...FileRow resourceType sha256 legalHold confidentiality capturedAt purgedAt width height patient{id displayName}supersededBy{id title}supersedes{id title}notes(first:20){nodes{id title status}}provenance{...ProvenanceLine}}}fragment FileRow on File{id kind category status title contentType size scanStatus version createdAt duration uploadedBy{id display}viewerCan{download update retract}}fragment ProvenanceLine on ProvenanceEntry{id recordedAt reason activity{code display}agents{type{code display}who{reference display}}sources{reference}}") as TypedDocumentNode<FileDetailQuery, FileDetailQueryVariables>
export const FileEvents = document("subscription FileEvents($patientId:ID!$afterCursor:String){fileEvents(patientId:$patientId afterCursor:$afterCursor){cursor type at file{...FileRow}}}fragment FileRow on File{id kind category status title contentType size scanStatus version createdAt duration uploadedBy{id display}viewerCan{download update retract}}") as TypedDocumentNode<FileEventsSubscription, FileEventsSubscriptionVariables>
export const Notes = document("query Notes($patientId:ID!$after:String){notes(patientId:$patientId first:25 after:$after){nodes{...NoteRow}pageInfo{hasNextPage endCursor}}}fragment NoteRow on Note{id status version title createdAt updatedAt signedAt author{id display}signer{id display}}") as TypedDocumentNode<NotesQuery, NotesQueryVariables>
export const NoteDetail = document("query NoteDetail($id:ID!){note(id:$id){...NoteRow text textSha256 derivedFrom{id kind title}amends{id title}amendedBy{id title}versions{version status at textSha256 author{id display}}provenance{...ProvenanceLine}}}fragment NoteRow on Note{id status version title createdAt updatedAt signedAt author{id display}signer{id display}}fragment ProvenanceLine on ProvenanceEntry{id recordedAt reason activity{code display}agents{type{code display}who{reference display}}sources{reference}}") as TypedDocumentNode<NoteDetailQuery, NoteDetailQueryVariables>
export const Patients = document("query Patients($text:String$after:String){patients(first:50 text:$text after:$after){nodes{id displayName}pageInfo{hasNextPage endCursor}}}") as TypedDocumentNode<PatientsQuery, PatientsQueryVariables>
export const Patient = document("query Patient($id:ID!){patient(id:$id){id displayName}}") as TypedDocumentNode<PatientQuery, PatientQueryVariables>
export const BreakGlass = document("mutation BreakGlass($input:BreakGlassInput!){breakGlass(input:$input){grantId expiresAt}}") as TypedDocumentNode<BreakGlassMutation, BreakGlassMutationVariables>
export const Viewer = document("query Viewer{viewer{id display roles}}") as TypedDocumentNode<ViewerQuery, ViewerQueryVariables>
export const Kinds = document("query Kinds{kinds{code display category contentTypes maxSize requiresEncounter allowEmpty}}") as TypedDocumentNode<KindsQuery, KindsQueryVariables>
export const UploadsUnderWay = document("query UploadsUnderWay($patientId:ID!){uploads(first:50 states:[OPEN RECEIVING ASSEMBLING STORED]patientId:$patientId){nodes{...UploadLine}}}fragment UploadLine on Upload{id state kind title receivedBytes totalBytes createdAt failure{code message}}") as TypedDocumentNode<UploadsUnderWayQuery, UploadsUnderWayQueryVariables>
export const UploadProgress = document("subscription UploadProgress($uploadId:ID!){uploadProgress(uploadId:$uploadId){...UploadLine}}fragment UploadLine on Upload{id state kind title receivedBytes totalBytes createdAt failure{code message}}") as TypedDocumentNode<UploadProgressSubscription, UploadProgressSubscriptionVariables>
