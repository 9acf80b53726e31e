/** What a schema found wrong, in one line. */
export const faultsOf = ({ issues }: { issues: { path: PropertyKey[]; message: string }[] }): string =>
  issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message)).join('; ');
