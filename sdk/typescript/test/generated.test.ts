import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
// @ts-expect-error: a script
import { generate, target } from '../scripts/generate.mjs'

test('the generated operations are what the schema stands for (npm run generate)', async () => {
  expect(readFileSync(target, 'utf8')).toBe(await generate())
})
