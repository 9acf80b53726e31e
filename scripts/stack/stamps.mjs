/** What was made from which files, so that it is not made again. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

/** A digest of the contents of files, in their order. */
export function digestOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

export const isStamped = (stamp, value) => existsSync(stamp) && readFileSync(stamp, 'utf8') === value;
