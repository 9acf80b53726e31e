/** Several brokers are named, and one of them is away. What would break without it: a relay that asks no other. */
import { afterAll, expect, it } from 'vitest';
import type { EventSink } from '../../messaging/event-sink.ts';
import { createKafka } from '../../platform/kafka.ts';
import { createEventSink } from '../../platform/kafka-sink.ts';
import { createLogger } from '../../platform/logger.ts';
import { freePort } from '../../scripts/stack/processes.mjs';
import { testConfig } from '../support/system.ts';

const logger = createLogger({ level: 'silent', name: 'test' });

let sink: EventSink | undefined;
afterAll(() => sink?.close());

it('MSG-01: a broker that is away costs a try, wherever it stands in the list', async () => {
  const config = await testConfig();
  const away = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const settings = { ...config, KAFKA_BROKERS: [...away, ...config.KAFKA_BROKERS] };
  sink = createEventSink(createKafka(settings, logger), [], settings);
  const tries: string[] = [];
  for (let left = settings.KAFKA_BROKERS.length * 2; left > 0 && tries.at(-1) !== 'there'; left -= 1)
    tries.push(
      await sink.prepare().then(
        () => 'there',
        () => 'away',
      ),
    );
  expect(tries).toContain('there');
});
