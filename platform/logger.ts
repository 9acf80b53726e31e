/** JSON lines on standard output. */
import { pino } from 'pino';

export type Logger = pino.Logger;

export const createLogger = (settings: { level: string; name: string }): Logger =>
  pino({ level: settings.level, name: settings.name, timestamp: pino.stdTimeFunctions.isoTime });
