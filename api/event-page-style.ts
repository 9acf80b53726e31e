/** How the page of the events looks. It is served, because the page may have no style of its own (CSP). */
export const STYLE_PATH = '/docs/events.css';

export const EVENT_PAGE_STYLE = `
:root { color: #1c2430; background: #fff; font: 1rem/1.55 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word; }
h1, h2, h3, h4 { line-height: 1.25; scroll-margin-top: 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 2px solid #1c2430; padding-bottom: .25rem; }
h3 { margin-top: 2.25rem; font-size: 1.3rem; }
h4 { margin-bottom: .5rem; }
a { color: #0b57a4; }
a:focus-visible, summary:focus-visible, pre:focus-visible { outline: 3px solid #0b57a4; outline-offset: 2px; }
:target { background: #fff3c4; }
code, pre { font: .875rem/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; overflow-wrap: normal; margin: .5rem 0 0; padding: .75rem; background: #f3f5f8; }
summary { cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .75rem 0; }
dt { color: #4a5568; }
dd { margin: 0; min-width: 0; }
table { width: 100%; margin: 1rem 0; border-collapse: collapse; }
caption { padding-bottom: .25rem; color: #4a5568; text-align: left; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #d5dbe3; text-align: left; vertical-align: top; }
th { font-weight: 600; }
thead th { white-space: nowrap; }
th:nth-child(1) { width: 28%; }
th:nth-child(2):not(:last-child) { width: 18%; }
th:nth-child(3) { width: 12%; }
@media (max-width: 40rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid #d5dbe3; }
  th, td { display: block; padding: 0; border: 0; }
  th:nth-child(n) { width: auto; }
}
`;
