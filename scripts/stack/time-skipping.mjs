/** Temporal's test server, whose clock jumps to the next timer: a script that starts it, for the SDK's test kit. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { jars } from './jars.mjs';
import { SetupError } from './progress.mjs';

/** @returns {Promise<string>} the path of a program that takes a port */
export async function findTimeSkippingServer(logFolder, folder) {
  const classPath = await jars({
    title: 'Temporal: fetching the time-skipping test server, once for this user',
    name: 'temporal-test-server-1.32.0',
    pom: fileURLToPath(new URL('time-skipping-pom.xml', import.meta.url)),
    logFolder,
  });
  if (!classPath) throw new SetupError('the tests need Java 17 and Maven, for Kafka and the time-skipping Temporal.');
  const script = path.join(folder, 'time-skipping-server');
  writeFileSync(
    script,
    `#!/bin/sh\nexec java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp '${classPath}' io.temporal.testserver.TestServer "$@"\n`,
    {
      mode: 0o755,
    },
  );
  return script;
}
