import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'

/** What a bundler makes of a page that says `code`. */
async function bundle(code: string) {
  const result = await build({
    stdin: { contents: code, resolveDir: import.meta.dirname, loader: 'ts' },
    ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022', write: false, metafile: true },
  })
  return { text: result.outputFiles[0]!.text, inputs: Object.keys(result.metafile.inputs), zipped: gzipSync(result.outputFiles[0]!.contents, { level: 9 }).length }
}

describe('in a browser bundle', () => {
  test('the whole client is below 35 kB gzipped, without anything of Node', async () => {
    const { text, inputs, zipped } = await bundle(`export * from '@bonfiredb/client'`)
    console.log(`${(zipped / 1000).toFixed(1)} kB gzipped`)
    expect(zipped).toBeLessThan(35_000)
    // esbuild refuses imports of Node's modules for browsers; what is left is how tus-js-client would have taken them.
    expect(inputs.filter((path) => /lib\.(esm|es5)\/node\/|proper-lockfile/.test(path))).toEqual([])
    expect(text).not.toMatch(/node:|localStorage\.setItem\([^)]*patient/)
  })

  test('the recorder is a part of its own, for pages that record', async () => {
    const { outputFiles } = await build({
      stdin: { contents: `export * from '@bonfiredb/client'`, resolveDir: import.meta.dirname, loader: 'ts' },
      ...{ bundle: true, splitting: true, outdir: 'out', minify: true, format: 'esm', platform: 'browser', target: 'es2022', write: false },
    })
    const withRecorder = outputFiles.filter(({ text }) => text.includes('MediaRecorder'))
    expect(withRecorder.length).toBe(1)
    expect(gzipSync(withRecorder[0]!.contents, { level: 9 }).length).toBeLessThan(12_000)
  })

  test('what is not used is left out', async () => {
    const { zipped } = await bundle(`import { ClinicalError } from '@bonfiredb/client'; console.log(ClinicalError.name)`)
    expect(zipped).toBeLessThan(1_000)
    expect((await bundle(`import '@bonfiredb/client'`)).text.trim()).toBe('')
  })
})
