/** Why a record was not applied. Nothing of it was committed; it is to be handed in again. */

export type EventErrorCode =
  /** The record is no CloudEvent, or has no place in a stream. */
  | 'unreadable'
  /** The data does not fit the schema that is published for the type. */
  | 'invalid_data'
  /** Another version of the event has a handler, this one has none. Nobody but the subscriber can mend it. */
  | 'unhandled_version'
  /** Events before it are missing, and were not to be had now. */
  | 'gap'
  /** Events before it are missing, and the service has deleted them: the option `lost` decides. */
  | 'lost';

export class EventError extends Error {
  override readonly name = 'EventError';
  readonly code: EventErrorCode;

  constructor(code: EventErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
