/**
 * A connection through which everything passes, until the answer to a chosen request is lost and the connection with
 * it.
 */
import { type Server, type Socket, connect, createServer } from 'node:net';

export interface LossyProxy {
  port: number;
  /** The answer to the next chosen request will come from the server, and never reach its client. */
  loseNextAnswer: () => void;
  /** How many answers were lost so far. */
  lost: () => number;
  stop: () => Promise<void>;
}

interface ProxyOptions {
  port: number;
  targetPort: number;
  /** Does the request begin in these bytes? A client sends each of them in one write. */
  isChosen: (bytes: Buffer) => boolean;
}

export async function startLossyProxy({ port, targetPort, isChosen }: ProxyOptions): Promise<LossyProxy> {
  const clients = new Set<Socket>();
  let armed = false;
  let lost = 0;

  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    let losing = false;
    const end = () => {
      client.destroy();
      target.destroy();
      clients.delete(client);
    };
    clients.add(client);
    for (const socket of [client, target]) socket.on('error', end).on('close', end);
    client.on('data', (bytes) => {
      if (armed && isChosen(bytes)) {
        armed = false;
        losing = true;
      }
      if (!target.write(bytes)) client.pause();
    });
    target.on('drain', () => client.resume());
    target.on('data', (bytes) => {
      if (losing) {
        lost += 1;
        end();
      } else if (!client.write(bytes)) target.pause();
    });
    client.on('drain', () => target.resume());
  });
  await listen(server, port);
  return {
    port,
    loseNextAnswer: () => void (armed = true),
    lost: () => lost,
    stop: async () => {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => void server.once('error', reject).listen(port, '127.0.0.1', resolve));

/** As Postgres clients send it: a simple query, or one that is parsed first. */
export const isCommit = (bytes: Buffer): boolean => bytes.includes('COMMIT\0');

/** A Kafka request begins with its length (4 bytes) and its kind (2 bytes); kind 0 is a produce. */
export const isProduce = (bytes: Buffer): boolean =>
  bytes.length > 6 && bytes.readInt32BE(0) > 0 && bytes.readInt16BE(4) === 0;
