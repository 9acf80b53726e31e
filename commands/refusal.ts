/**
 * Why the rules refuse a command. The codes are a contract with callers: they are never renamed. Each stands in a table
 * of who refuses with it, with its HTTP status, its title, and the members that its problem document has.
 */
import { z } from 'zod';

/** One thing that is wrong with one field of the input. `path` is dotted, `code` is stable, `message` is for people. */
export interface FieldError {
  path: string;
  code: string;
  message: string;
}

export interface RefusalRow {
  status: number;
  title: string;
  /** What it says beside its code and detail (JSON values). A code without says nothing more. */
  members?: () => z.ZodRawShape;
}

export type Refusals = Readonly<Record<string, RefusalRow>>;

type UnionToIntersection<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never;

/** The refusals of all steps of an entity, in one table. */
export const refusalsOf = <S extends Readonly<Record<string, { refusals: Refusals }>>>(steps: S) =>
  Object.assign({}, ...Object.values(steps).map(({ refusals }) => refusals)) as UnionToIntersection<
    S[keyof S]['refusals']
  >;

/** What a command about any entity can be refused with. */
export const commonRefusals = {
  version_conflict: {
    status: 412,
    title: 'It is at another version',
    members: () => ({ currentVersion: z.int().min(1).meta({ example: 3 }) }),
  },
  validation_failed: {
    status: 422,
    title: 'Fields are not valid',
    members: () => ({
      errors: z.array(z.strictObject({ path: z.string(), code: z.string(), message: z.string() })).meta({
        description: 'Every field that is wrong',
        example: [{ path: 'name', code: 'required', message: 'is missing' }],
      }),
    }),
  },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key belongs to another request' },
} as const satisfies Refusals;

export type CommonCode = keyof typeof commonRefusals;

/** A refused command: nothing was changed. `members` are further members of the problem document. */
export interface Refusal<Code extends string = string> {
  code: Code;
  detail: string;
  members: Record<string, unknown>;
}

/** A refusal whose code says nothing more. */
export const refusal = <Code extends string>(code: Code, detail: string): Refusal<Code> => ({
  code,
  detail,
  members: {},
});

/** What a row's problem document has beside the common members. */
type MembersOf<R> = R extends { members: () => infer S extends z.ZodRawShape } ? z.output<z.ZodObject<S>> : never;

/** A refusal with exactly the members that its row has. */
export const refusalWith =
  <R extends Refusals>(_table: R) =>
  <Code extends keyof R & string>(code: Code, detail: string, members: MembersOf<R[Code]>): Refusal<Code> => ({
    code,
    detail,
    members,
  });

const common = refusalWith(commonRefusals);

export const invalidFields = (errors: FieldError[]) =>
  common('validation_failed', 'The request has fields that are not valid.', { errors });

/** `what` is the entity in words: The invoice is at version 2 ... */
export const versionConflict = (what: string, currentVersion: number, expected: number) =>
  common('version_conflict', `The ${what} is at version ${currentVersion}, the request expects version ${expected}.`, {
    currentVersion,
  });

/** `detail` in the words of who chose the key. */
export const keyReused = (detail = 'The Idempotency-Key was used for another request.') =>
  refusal('idempotency_key_reused', detail);

/** What is wrong with fields, in one line; what is wrong with the whole has no path. */
export const fieldsInWords = (errors: readonly Pick<FieldError, 'path' | 'message'>[]): string =>
  errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');

/** A refusal in one line, where its members cannot be told: the detail, and the field errors when there are some. */
export function refusalInWords({ detail, members }: Refusal): string {
  const { errors } = members;
  const fields = Array.isArray(errors) ? errors.filter(isFieldError) : [];
  return fields.length === 0 ? detail : `${detail} ${fieldsInWords(fields)}`;
}

/** A refusal may have come through Temporal. */
const isFieldError = (error: unknown): error is FieldError =>
  typeof error === 'object' && error !== null && 'path' in error && 'message' in error;
