import type { Binary, DocumentReference, Media } from 'fhir/r4.js'

/** A resource as stored: it always has an id, which is also the file's. */
export type Stored<R> = R & { id: string }

/** What a file becomes, FHIR R4. `resourceType` tells which. */
export type FileResource = Stored<DocumentReference> | Stored<Media> | Stored<Binary>

/**
 * What each kind of file becomes. These are the kinds that Bonfire ships with;
 * a clinic with kinds of its own declares them:
 *
 *     declare module '@bonfiredb/client' {
 *       interface KindResources { 'gait-video': Stored<Media> }
 *     }
 */
export interface KindResources {
  'intake-form': Stored<DocumentReference>
  consent: Stored<DocumentReference>
  'referral-letter': Stored<DocumentReference>
  'insurance-card': Stored<DocumentReference>
  'lab-report': Stored<DocumentReference>
  'discharge-summary': Stored<DocumentReference>
  tracing: Stored<DocumentReference>
  'clinical-photo': Stored<Media>
  'wound-photo': Stored<Media>
  'skin-finding': Stored<Media>
  'session-audio': Stored<Media>
  'dictation-audio': Stored<Media>
  raw: Stored<Binary>
}

/** The resource of a kind; for a kind that is not declared, any of the three. */
export type ResourceOf<Kind extends string> = Kind extends keyof KindResources ? KindResources[Kind] : FileResource
