/**
 * What each SQLSTATE means to us: Appendix A of PostgreSQL's documentation, class by class, with the exceptions within
 * a class. A test compares this with the list that comes with the server, so that no class is forgotten.
 *
 * - `again`: the transaction was rolled back for a reason that is neither ours nor the caller's. The same statement,
 *   sent again later, has a chance.
 * - `violation`: somebody was quicker, or a rule of the schema was broken: the constraint's name decides.
 * - `bug`: sent again, it would fail again.
 */

export type Meaning = 'again' | 'violation' | 'bug';

/** By the first two characters. */
export const sqlStateClasses: Readonly<Record<string, Meaning>> = {
  '00': 'bug', // successful completion: no error has it
  '01': 'bug', // warning
  '02': 'bug', // no data
  '03': 'bug', // SQL statement not yet complete
  '08': 'again', // connection exception
  '09': 'bug', // triggered action exception
  '0A': 'bug', // feature not supported
  '0B': 'bug', // invalid transaction initiation
  '0F': 'bug', // locator exception
  '0L': 'bug', // invalid grantor
  '0P': 'bug', // invalid role specification
  '0Z': 'bug', // diagnostics exception
  '10': 'bug', // XQuery error
  '20': 'bug', // case not found
  '21': 'bug', // cardinality violation
  '22': 'bug', // data exception
  '23': 'violation', // integrity constraint violation
  '24': 'bug', // invalid cursor state
  '25': 'bug', // invalid transaction state; see the exceptions
  '26': 'bug', // invalid SQL statement name
  '27': 'bug', // triggered data change violation
  '28': 'again', // invalid authorization: a password or certificate that is being changed; an operator mends it
  '2B': 'bug', // dependent privilege descriptors still exist
  '2D': 'bug', // invalid transaction termination
  '2F': 'bug', // SQL routine exception
  '34': 'bug', // invalid cursor name
  '38': 'bug', // external routine exception
  '39': 'bug', // external routine invocation exception
  '3B': 'bug', // savepoint exception
  '3D': 'again', // invalid catalog name: the database is not there, as while it is restored; an operator mends it
  '3F': 'bug', // invalid schema name
  '40': 'again', // transaction rollback: serialization, deadlock
  '42': 'bug', // syntax error or access rule violation; see the exceptions
  '44': 'bug', // WITH CHECK OPTION violation
  '53': 'again', // insufficient resources: disk, memory, connections
  '54': 'bug', // program limit exceeded: the statement is too large, and stays so
  '55': 'bug', // object not in prerequisite state; see the exceptions
  '57': 'again', // operator intervention: cancelled, shut down, starting up
  '58': 'again', // system error: input and output, files
  F0: 'again', // configuration file error: an operator mends it
  HV: 'bug', // foreign data wrapper error
  P0: 'bug', // PL/pgSQL error
  XX: 'again', // internal error of the server, or of a pooler before it; corrupted data. An operator mends it
};

/** Codes that mean something else than their class. */
export const sqlStateExceptions: Readonly<Record<string, Meaning>> = {
  '25006': 'again', // read-only transaction: after a failover we still talk to what is now a standby
  '25P02': 'again', // the transaction had failed before: the answer that said so was lost
  '25P03': 'again', // idle in transaction: this process stood still in the middle of it
  '25P04': 'again', // transaction timeout: the same, or the server is slow
  '42501': 'again', // insufficient privilege: an operator takes and gives those
  '55006': 'again', // object in use
  '55P03': 'again', // lock not available in time
};

export const meaningOf = (sqlState: string): Meaning =>
  sqlStateExceptions[sqlState] ?? sqlStateClasses[sqlState.slice(0, 2)] ?? 'bug';
