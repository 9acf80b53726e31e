/** The data of an answer, or the problem as an error. */
import type { components } from './generated/openapi.ts';
import type { KnownProblem } from './generated/operations.ts';

type Operation = components['schemas']['Operation'];

/** RFC 9457. `code` tells which: `if (problem.code === 'version_conflict')`, then it has `currentVersion`. */
export type Problem = KnownProblem;
export type ProblemCode = Problem['code'];

/** The API has refused the request, or has failed. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** A newer API may have codes that the type does not know. */
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.problem = problem;
  }

  get code(): ProblemCode {
    return this.problem.code;
  }
}

/** A command that is under way was sent again until it had its outcome: its operation is no answer. */
type Outcome<Data> = [Exclude<Data, Operation>] extends [never] ? Data : Exclude<Data, Operation>;

interface Answered<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The data of what a method of the client gives. Throws a ProblemError, or an Error when it was not the API's answer. */
export async function answerOf<Data>(answered: Promise<Answered<Data>>): Promise<Outcome<Data>> {
  const { data, error, response } = await answered;
  if (response.ok) return data as Outcome<Data>;
  if (isProblem(error)) throw new ProblemError(error);
  throw new Error(`The answer ${response.status} is no problem of the API.`);
}

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'code' in value && typeof value.code === 'string';
