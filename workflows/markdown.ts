/** The pages of the Web UI, which are Markdown. */

/**
 * A table; cells are Markdown: text of callers goes through `plain`. Written out, because pages are made several times
 * a command: with markdown-table a command at one caller took an eighth longer.
 */
export const table = (head: readonly string[], ...rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** RFC 3339 as people read it, to the second. */
export const readable = (instant: string): string => instant.slice(0, 19).replace('T', ' ');

/** Text of callers must not become markup, nor break a table. */
export const plain = (text: string): string => text.replace(/[\\`*_{}[\]()#+!|<>~-]/g, '\\$&').replace(/\s+/g, ' ');
