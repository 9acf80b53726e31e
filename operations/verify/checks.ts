import { audit } from './audit.ts';
import type { Check } from './check.ts';
import { commands } from './commands.ts';
import { invoices } from './invoices.ts';
import { kafka } from './kafka.ts';
import { numbers } from './numbers.ts';
import { streams } from './streams.ts';
import { versions } from './versions.ts';
import { workflows } from './workflows.ts';

/** Everything that `npm run verify` looks at, in this order. */
export const allChecks: readonly Check[] = [streams, versions, invoices, audit, numbers, commands, kafka, workflows];
