import { beforeAll, describe, expect, test } from 'vitest'
import { createClinical, type Clinical } from '../src/index.js'
import { bytes, clientOf, expectStored, newChart, patientId, strangerId, tokenOf, url } from './clinic.js'

let clinical: Clinical
let ward: string // a patient with nobody else's files
beforeAll(async () => {
  clinical = await clientOf('clinician')
  ward = await newChart()
})

describe('a signed URL', () => {
  test('gives the bytes until it expires', async () => {
    const data = bytes(100_000)
    const binary = await clinical.files.upload({ patientId, kind: 'raw', file: data })
    const before = Date.now()
    const link = await clinical.files.signedUrl({ documentId: binary.id, expiresIn: 60 })
    expect(link.documentId).toBe(binary.id)
    expect(Math.abs(Date.parse(link.expiresAt) - before - 60_000)).toBeLessThan(5_000)
    await expectStored(clinical, binary.id, data)
  })

  test('is not made for what the caller may not know of', async () => {
    const binary = await clinical.files.upload({ patientId, kind: 'raw', file: bytes(10) })
    const outsider = await clientOf('outsider')
    await expect(outsider.files.signedUrl({ documentId: binary.id, expiresIn: 60 })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a list', () => {
  test('goes through all pages', async () => {
    const made: string[] = []
    for (let i = 0; i < 5; i++) made.unshift((await clinical.files.upload({ patientId: ward, kind: 'raw', file: bytes(10 + i) })).id)
    const first = await clinical.files.list({ patientId: ward, first: 2, withTotal: true })
    expect(first).toMatchObject({ totalCount: 5, pageInfo: { hasNextPage: true } })
    const second = await clinical.files.list({ patientId: ward, first: 2, after: first.pageInfo.endCursor })
    expect([...first.nodes, ...second.nodes].map(({ id }) => id)).toEqual(made.slice(0, 4))
    expect(second.totalCount).toBeUndefined()
    const all: string[] = []
    for await (const file of clinical.files.each({ patientId: ward, first: 2 })) all.push(file.id)
    expect(all).toEqual(made)
  })

  test('can be narrowed and ordered', async () => {
    await clinical.files.upload({ patientId: ward, kind: 'intake-form', file: new Blob(['a'], { type: 'text/plain' }) })
    const forms = await clinical.files.list({ patientId: ward, filter: { kinds: ['intake-form'] } })
    expect(forms.nodes.map(({ kind }) => kind)).toEqual(['intake-form'])
    const sizes = (await clinical.files.list({ patientId: ward, orderBy: { field: 'SIZE', direction: 'ASC' } })).nodes.map(({ size }) => size)
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b))
  })

  test('of a hidden patient is refused', async () => {
    await expect(clinical.files.list({ patientId: strangerId })).rejects.toMatchObject({ code: 'NOT_FOUND', requestId: expect.any(String) })
  })

  test('with a page that is too long is refused by name', async () => {
    await expect(clinical.files.list({ patientId, first: 1000 })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  })
})

describe('the way to the server', () => {
  test('a token that is not valid', async () => {
    const nobody = createClinical({ url: url(), token: 'no token' })
    await expect(nobody.files.list({ patientId })).rejects.toMatchObject({ name: 'ClinicalError', code: 'UNAUTHENTICATED', requestId: expect.any(String) })
  })

  test('an address with or without a slash at its end', async () => {
    const slashed = createClinical({ url: `${url()}/`, token: () => tokenOf('clinician') })
    expect((await slashed.files.list({ patientId: ward })).nodes).not.toHaveLength(0)
  })

  test('a server that is away for a moment', async () => {
    let tries = 0
    const fetch: typeof globalThis.fetch = async (...args) => {
      if (++tries === 1) throw new TypeError('fetch failed')
      if (tries === 2) return new Response('<html>Bad gateway</html>', { status: 502 })
      return globalThis.fetch(...args)
    }
    const patient = await clientOf('clinician', { fetch })
    expect((await patient.files.list({ patientId: ward })).nodes).not.toHaveLength(0)
    expect(tries).toBe(3)
  })

  test('a purpose that is not allowed', async () => {
    const researcher = await clientOf('clinician', { purposeOfUse: 'HRESCH' })
    await expect(researcher.files.list({ patientId: ward })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })
})

describe('a file that turns out wrong', () => {
  const upload = (to: string) => clinical.files.upload({ patientId: to, kind: 'intake-form', file: new Blob([`form ${Math.random()}`], { type: 'text/plain' }) })

  test('is superseded by a newer one', async () => {
    const [older, newer] = [await upload(ward), await upload(ward)]
    const { version } = await clinical.files.get({ fileId: older.id })
    await expect(clinical.files.supersede({ fileId: older.id, byFileId: newer.id, version: version + 7 })).rejects.toMatchObject({
      ...{ code: 'VERSION_CONFLICT', problem: { currentVersion: version } },
    })
    expect(await clinical.files.supersede({ fileId: older.id, byFileId: newer.id, version })).toMatchObject({ id: older.id, status: 'SUPERSEDED' })
  })

  test('moves to the right chart', async () => {
    const form = await upload(ward)
    await clinical.files.signedUrl({ documentId: form.id, expiresIn: 60 })
    const { version } = await clinical.files.get({ fileId: form.id })
    const moved = await clinical.files.refile({ fileId: form.id, toPatientId: patientId, reason: 'scanned into the wrong chart', version })
    expect(moved.exposures).toHaveLength(1)
    const { fhir } = await clinical.files.get({ fileId: moved.file.id })
    expect(fhir).toMatchObject({ subject: { reference: `Patient/${patientId}` } })
  })

  test('is retracted', async () => {
    const form = await upload(ward)
    const { version } = await clinical.files.get({ fileId: form.id })
    expect(await clinical.files.retract({ fileId: form.id, reason: 'a blank page', version })).toMatchObject({ status: 'ENTERED_IN_ERROR' })
  })

  test('has its links revoked', async () => {
    const form = await upload(ward)
    const link = await clinical.files.signedUrl({ documentId: form.id, expiresIn: 60, delivery: 'GATED' })
    expect(await clinical.files.revokeLinks({ fileId: form.id, reason: 'sent to the wrong address' })).toMatchObject({
      ...{ revoked: 1, links: [{ id: link.linkId, state: 'REVOKED' }] },
    })
  })
})
