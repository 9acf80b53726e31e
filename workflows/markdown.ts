/** The pages of the Web UI, which are Markdown. */
import { markdownTable } from 'markdown-table';

/** Cells are Markdown: text of callers goes through `plain`. */
export const table = (head: readonly string[], ...rows: readonly (readonly (string | number)[])[]): string =>
  markdownTable([head, ...rows.map((row) => row.map(String))], { alignDelimiters: false });

/** RFC 3339 as people read it, to the second. */
export const readable = (instant: string): string => instant.slice(0, 19).replace('T', ' ');

/** Text of callers must not become markup, nor break a table. */
export const plain = (text: string): string => text.replace(/[\\`*_{}[\]()#+!|<>~-]/g, '\\$&').replace(/\s+/g, ' ');
