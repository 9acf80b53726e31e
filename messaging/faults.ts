import { fieldsInWords } from '../commands/refusal.ts';

/** What a schema found wrong, in one line. */
export const faultsOf = ({ issues }: { issues: { path: PropertyKey[]; message: string }[] }): string =>
  fieldsInWords(issues.map(({ path, message }) => ({ path: path.join('.'), message })));
