import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
// @ts-expect-error: a script
import { generate, targets } from '../scripts/generate.mjs'

test.each(targets as { file: string }[])('$file is what the schema stands for (npm run generate)', async (target) => {
  expect(readFileSync(target.file, 'utf8')).toBe(await generate(target))
})
