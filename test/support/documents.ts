/** Documents with parts that are generated: between `<!-- generated: name -->` and `<!-- end -->`. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

/** The files in a folder of the repository. */
export const filesIn = (folder: string): string[] => readdirSync(at(folder)).map((name) => `${folder}/${name}`);

export const readDocument = (file: string): string => readFileSync(at(file), 'utf8');
export const writeDocument = (file: string, text: string): void => writeFileSync(at(file), text);

/** A part and its markers. Throws when the document has no such part, or has it twice. */
function rangeOf(document: string, name: string): [from: number, to: number] {
  const begin = `<!-- generated: ${name} -->\n`;
  const [before = '', after, ...others] = document.split(begin);
  const length = after?.indexOf('<!-- end -->') ?? -1;
  if (others.length > 0 || length < 0) throw new Error(`The document must have the part "${name}" once, with its end.`);
  const from = before.length + begin.length;
  return [from, from + length];
}

export function generatedPart(document: string, name: string): string {
  const [from, to] = rangeOf(document, name);
  return document.slice(from, to).trim();
}

export function withPart(document: string, name: string, part: string): string {
  const [from, to] = rangeOf(document, name);
  return `${document.slice(0, from)}\n${part}\n\n${document.slice(to)}`;
}

/** `invoices/lifecycle.ts`, in backticks or as the target of a link; patterns and placeholders are none. */
const NAMED = /`([\w.-]+(?:\/[\w.-]+)*\/?)`|\]\(([^)#\s]+)/g;
const FILE = /(?:^|\/)[\w.-]+\.(?:ts|mjs|md|json|sql|prisma|csv|png|yml)$|\/decisions$/;

/** Files that a document names and that are not there. Links are relative to the document, names to the repository. */
export function missingFiles(file: string): string[] {
  const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/') + 1) : '';
  return [...readDocument(file).matchAll(NAMED)]
    .map(([, name, link]) => name ?? `${folder}${link ?? ''}`)
    .filter((path) => FILE.test(path) && !path.includes('://') && !existsSync(at(path)));
}
