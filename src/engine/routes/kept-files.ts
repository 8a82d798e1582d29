/**
 * The files of a route set as the store keeps them: deflated, in parts, equal contents only once.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, deflate, inflate } from 'node:zlib';
import type { RouteVersion, VersionFile } from '../../store/contract/route-versions.ts';
import type { Store } from '../../store/store.ts';

/**
 * Deflated bytes that are kept of one file and of one version: a list of two million numbers has
 * some 12 MB. A larger file is listed but not kept.
 */
const FILE_BYTES_MAX = 12 * 1024 * 1024;
const VERSION_BYTES_MAX = 32 * 1024 * 1024;
/** The size of one write, so that the store blocks the event loop for a few milliseconds only. */
const PART_BYTES = 512 * 1024;
/** Bytes hashed in one go, for the same reason. */
const SLICE_BYTES = 4 * 1024 * 1024;
/**
 * A list of numbers takes a quarter of the CPU that the default level takes, and 6 % more bytes;
 * nobody waits for it, but on one core it takes turns with the calls.
 */
const LEVEL = constants.Z_BEST_SPEED;

const deflated = promisify<Uint8Array, { level: number }, Buffer>(deflate);
const inflated = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflate);

export interface PackedFile extends VersionFile {
  content: Uint8Array;
}

export async function pack(files: ReadonlyMap<string, Uint8Array>): Promise<PackedFile[]> {
  const packed: PackedFile[] = [];
  let total = 0;
  for (const [name, bytes] of files) {
    const content = await deflated(bytes, { level: LEVEL });
    const fits =
      content.byteLength <= FILE_BYTES_MAX && total + content.byteLength <= VERSION_BYTES_MAX;
    if (fits) total += content.byteLength;
    packed.push({
      name,
      key: await hashOf(bytes),
      bytes: bytes.byteLength,
      parts: fits ? Math.ceil(content.byteLength / PART_BYTES) : null,
      content: fits ? content : new Uint8Array(),
    });
  }
  return packed;
}

export async function writeParts(store: Store, { key, parts, content }: PackedFile): Promise<void> {
  for (let part = 0; part < (parts ?? 0); part += 1) {
    await store.keepRoutePart(
      key,
      part,
      content.subarray(part * PART_BYTES, (part + 1) * PART_BYTES),
    );
  }
}

/** Null if it was not kept, or what was kept does not match its hash. */
export async function readKept(store: Store, file: VersionFile): Promise<Uint8Array | null> {
  if (file.parts === null) return null;
  const content = await store.routeFile(file.key);
  if (content === null) return null;
  const bytes = await inflated(content, { maxOutputLength: Math.max(1, file.bytes) });
  return (await hashOf(bytes)) === file.key ? bytes : null;
}

/** All files of a version, or the names of those that are missing. */
export async function readVersion(
  store: Store,
  version: RouteVersion,
): Promise<{ files: Map<string, Uint8Array> } | { missing: VersionFile[] }> {
  const files = new Map<string, Uint8Array>();
  const missing: VersionFile[] = [];
  for (const file of version.files) {
    const bytes = await readKept(store, file);
    if (bytes === null) missing.push(file);
    else files.set(file.name, bytes);
  }
  return missing.length > 0 ? { missing } : { files };
}

async function hashOf(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let from = 0; from < bytes.byteLength; from += SLICE_BYTES) {
    if (from > 0) await setImmediate();
    hash.update(bytes.subarray(from, from + SLICE_BYTES));
  }
  return hash.digest('hex');
}
