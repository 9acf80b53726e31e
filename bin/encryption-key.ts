/**
 * `npm run encryption-key`: makes a key, and says how it takes the place of another. What is stored stays as it is: the
 * old key decrypts it until Temporal has let it go.
 */
import { ConfigError, readConfig } from '../platform/config.ts';
import { newEncryptionKey } from '../platform/codec.ts';

const SUFFIX_LENGTH = 4;

try {
  const { ENCRYPTION_KEYS: keys = [] } = readConfig(process.env);
  const day = new Date().toISOString().slice(0, 10);
  const made = newEncryptionKey(`${day}-${crypto.randomUUID().slice(0, SUFFIX_LENGTH)}`);
  const old = keys.map(({ id, secret }) => `${id}:${Buffer.from(secret).toString('base64')}`);
  const first =
    old.length === 0
      ? [
          'Set it on every process:',
          '',
          `  ENCRYPTION_KEYS=${made}`,
          '',
          'Processes without it cannot read what those with it write: stop them all, then start them all.',
        ]
      : [
          'First every process must know it. Set, and restart them one by one:',
          '',
          `  ENCRYPTION_KEYS=${[...old, made].join(',')}`,
          '',
          'When all have it, let it encrypt. Set, and restart them one by one:',
          '',
          `  ENCRYPTION_KEYS=${[made, ...old].join(',')}`,
          '',
          'The old keys may go when no workflow is open that was started before, and Temporal has let the ended ones go.',
        ];
  process.stdout.write(`${first.join('\n')}\n`);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
