/** An issuer of access tokens: its keys are published over HTTP, changed and taken away while the service runs. */
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, type CryptoKey as SigningKey, UnsecuredJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';
import { freePort } from '../../scripts/stack/processes.mjs';

const AUDIENCE = 'billing';

export interface TokenOptions {
  issuer?: string;
  audience?: string;
  typ?: string;
  /** Where the token claims that its key is. */
  jku?: string;
  /** Seconds from now. */
  expiresIn?: number;
  /** null leaves the claim out. */
  claims?: Record<string, unknown>;
}

export interface TestIssuer {
  /** An entry of AUTH_ISSUERS. */
  setting: Record<string, string>;
  token: (options?: TokenOptions) => Promise<string>;
  /** Signed by nobody: `alg` is none. */
  unsigned: (options?: TokenOptions) => string;
  /** Signed by HS256 with the public key, which everybody knows, as the secret. */
  signedWithPublicKey: (options?: TokenOptions) => Promise<string>;
  /** Signs with a new key from now on; it is published unless `isPublished` is false, the old one is not any more. */
  rotate: (isPublished?: boolean) => Promise<void>;
  /** How often the keys were read. */
  readings: () => number;
  stop: () => Promise<void>;
  start: () => Promise<void>;
}

interface Pair {
  kid: string;
  privateKey: SigningKey;
  publicKey: SigningKey;
}

export async function startIssuer(): Promise<TestIssuer> {
  const port = await freePort();
  const name = `http://127.0.0.1:${port}`;
  let current = await newPair();
  let published: Pair | undefined = current;
  let readings = 0;
  let server: Server | undefined;
  const start = async () => {
    server = createServer((_request, response) => {
      readings += 1;
      void keysOf(published).then((keys) =>
        response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys })),
      );
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    if ((server.address() as AddressInfo).port !== port) throw new Error('The issuer listens elsewhere.');
  };
  const stop = async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
    server = undefined;
  };
  await start();
  const claimed = <T extends SignJWT | UnsecuredJWT>(
    jwt: T,
    { issuer = name, audience = AUDIENCE, expiresIn = 300 }: TokenOptions,
  ) =>
    jwt
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(new Date(Date.now() + expiresIn * 1000)) as T;
  const payloadOf = ({ claims = {} }: TokenOptions) =>
    Object.fromEntries(Object.entries({ sub: 'ann', ...claims }).filter(([, value]) => value !== null));
  const header = (typ = 'at+jwt') => ({ kid: current.kid, typ });
  return {
    setting: { issuer: name, audience: AUDIENCE, jwksUri: `${name}/keys` },
    token: (options = {}) =>
      claimed(new SignJWT(payloadOf(options)), options)
        .setProtectedHeader({ alg: 'ES256', ...header(options.typ), ...(options.jku ? { jku: options.jku } : {}) })
        .sign(current.privateKey),
    unsigned: (options = {}) => claimed(new UnsecuredJWT(payloadOf(options)), options).encode(),
    signedWithPublicKey: async (options = {}) =>
      claimed(new SignJWT(payloadOf(options)), options)
        .setProtectedHeader({ alg: 'HS256', ...header(options.typ) })
        .sign(new TextEncoder().encode(await exportSPKI(current.publicKey))),
    rotate: async (isPublished = true) => {
      current = await newPair();
      if (isPublished) published = current;
    },
    readings: () => readings,
    start,
    stop,
  };
}

async function newPair(): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { kid: crypto.randomUUID(), privateKey, publicKey };
}

const keysOf = async (pair: Pair | undefined) =>
  pair ? [{ ...(await exportJWK(pair.publicKey)), kid: pair.kid, alg: 'ES256', use: 'sig' }] : [];
