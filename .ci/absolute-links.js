/**
 * The documents that are packed link to files that are not: sources, pictures, decisions. For a
 * release, which has an address, such links become absolute. It changes the files in place, so it
 * is for a checkout that is thrown away: node .ci/absolute-links.js <repository URL> <tag>
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';

const [repository, tag] = process.argv.slice(2);
if (!repository || !tag) throw new Error('usage: absolute-links.js <repository URL> <tag>');

/** A fenced block, which is left as it is, or a link or picture. */
const PIECES = /^ *```[\s\S]*?^ *```|(!?)\[([^\]]*)\]\(([^)\s]+)\)/gm;

const packed = packedFiles();
for (const file of packed.filter((name) => name.endsWith('.md') && !name.startsWith('dist/'))) {
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace(PIECES, (piece, mark, words, link) => {
      if (link === undefined || /^([a-z]+:|#)/.test(link)) return piece;
      const [path = '', fragment] = link.split('#');
      const target = posix.normalize(posix.join(posix.dirname(file), path)).replace(/\/$/, '');
      if (isPacked(target)) return piece;
      if (!existsSync(target)) throw new Error(`${file}: ${link} leads nowhere`);
      const kind = mark === '!' ? 'raw' : statSync(target).isDirectory() ? 'tree' : 'blob';
      const end = fragment === undefined ? '' : `#${fragment}`;
      return `${mark}[${words}](${repository}/${kind}/${tag}/${target}${end})`;
    }),
  );
}

function packedFiles() {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'];
  const [{ files }] = JSON.parse(execFileSync('npm', args, { encoding: 'utf8' }));
  return files.map(({ path }) => path);
}

function isPacked(target) {
  return packed.includes(target) || packed.some((file) => file.startsWith(`${target}/`));
}
