/** Certificates of an authority of the test's own: for servers on this machine and for the service as their client. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Certificates {
  /** Files in PEM. */
  ca: string;
  cert: string;
  key: string;
  /** Key and certificate in one file. */
  both: string;
}

const openssl = (folder: string, ...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

/** `subject` is who the certificate is of. The same certificate is good for a server on this machine and for a client. */
export function makeCertificates(folder: string, subject: string): Certificates {
  mkdirSync(folder, { recursive: true });
  const file = (name: string) => path.join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl(
    folder,
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-subj',
    `/CN=Authority of ${subject}`,
  );
  openssl(folder, 'req', ...key.slice(0, -2), '-keyout', 'own.key', '-out', 'own.csr', '-subj', `/CN=${subject}`);
  writeFileSync(
    file('extensions'),
    'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n',
  );
  const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
  openssl(folder, 'x509', '-req', '-in', 'own.csr', ...authority, '-extfile', 'extensions', '-out', 'own.crt');
  writeFileSync(file('both.pem'), `${readFileSync(file('own.key'), 'utf8')}${readFileSync(file('own.crt'), 'utf8')}`);
  for (const name of ['own.key', 'both.pem']) chmodSync(file(name), 0o600);
  return { ca: file('ca.crt'), cert: file('own.crt'), key: file('own.key'), both: file('both.pem') };
}
