/** JSON lines on standard output. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { pino } from 'pino';
import { traceFields } from './tracing.ts';

export type Logger = pino.Logger;

/** What every line says that is written on behalf of one command. */
export interface CommandFields {
  /** The stored key: what its events call their cause, and the audit trail its command. */
  commandKey: string;
}

const ofCommand = new AsyncLocalStorage<CommandFields>();

/** Every line of the log that `work` writes says which command it is about. */
export const loggedAs = <T>(fields: CommandFields, work: () => T): T => ofCommand.run(fields, work);

export const createLogger = (settings: { level: string; name: string }): Logger =>
  pino({
    level: settings.level,
    name: settings.name,
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: () => ({ ...ofCommand.getStore(), ...traceFields() }),
  });
