import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { constants, gzipSync } from 'node:zlib';

/** What is not a source of a page. */
const OUTSIDE = ['dist', 'node_modules', 'test'];
const REPOSITORY = dirname(import.meta.dirname);

/**
 * A Vite plugin that leaves the output as the server embeds it: each file only as FILE.gz, and
 * SOURCE.sha256, by which a test without Node tells whether the output is that of these sources.
 *
 * @param {string[]} beside folders of the repository that the page is made of, too
 */
export function pack(beside = []) {
  let root;
  let outDir;
  return {
    name: 'pack',
    apply: 'build',
    configResolved(config) {
      root = config.root;
      outDir = join(config.root, config.build.outDir);
    },
    writeBundle: {
      order: 'post',
      sequential: true,
      handler() {
        for (const file of filesOf(outDir)) {
          writeFileSync(`${file}.gz`, compress(readFileSync(file)));
          rmSync(file);
        }
        const parts = [root, ...beside.map((folder) => join(REPOSITORY, folder))];
        writeFileSync(join(outDir, 'SOURCE.sha256'), `${sourceDigest(parts)}\n`);
      },
    },
  };
}

/**
 * The SHA-256 of the list that `sha256sum` prints for the sources in the byte order of their
 * paths in the repository. TestPagesAreBuiltFromTheirSources computes the same.
 */
function sourceDigest(parts) {
  const list = [import.meta.filename, ...parts.flatMap((folder) => filesOf(folder, OUTSIDE))]
    .map((file) => [relative(REPOSITORY, file).split(sep).join('/'), file])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, file]) => `${sha256(readFileSync(file))}  ${path}\n`);
  return sha256(list.join(''));
}

/** All files below `dir`, without the hidden ones and the named directories at the top. */
function filesOf(dir, without = []) {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.') && !without.includes(entry.name))
    .flatMap((entry) => {
      const path = join(dir, entry.name);
      return entry.isDirectory() ? filesOf(path) : [path];
    });
}

function compress(bytes) {
  const packed = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION });
  packed[9] = 255; // The header's operating system: unknown (RFC 1952, section 2.3.1).
  return packed;
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
