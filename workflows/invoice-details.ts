/** An invoice's page in the Web UI, as Markdown: its story without reading JSON. */
import type { InvoiceInput, InvoiceView } from './contract/invoice.ts';
import type { Waiting } from './serial-updates.ts';
import { allowedActions, isFinal, pastTenseOf } from '../invoices/lifecycle.ts';
import { type Timer, timerSummary } from '../invoices/timers.ts';
import { plain, readable, table } from './markdown.ts';

export interface DetailsInput {
  input: InvoiceInput;
  view: InvoiceView | null;
  current: Waiting | undefined;
  queued: readonly Waiting[];
  stuck: boolean;
}

export function invoiceDetails({ input, view, current, queued, stuck }: DetailsInput): string {
  const waiting = [...(current ? [current] : []), ...queued];
  return [
    ...(stuck ? [stuckNotice, ''] : []),
    ...(view ? summary(input, view) : ['**There is no invoice yet.**']),
    '',
    '### What is waiting',
    '',
    ...(waiting.length > 0 ? waiting.map(waitingLine) : [view ? nextLine(view) : 'Nothing.']),
    '',
    ...(view && view.timers.length > 0 ? ['### What comes by itself', '', ...view.timers.map(timerLine), ''] : []),
    ...(view ? ['### Last steps', '', steps(view)] : []),
  ].join('\n');
}

const stuckNotice =
  '**STUCK.** A command has been tried for ten minutes; see the pending activity for the reason. It goes on by itself when the cause is mended. To stop it, send the update `abandon` with your name and a reason; the command’s key can be sent again later.';

/** Two tenants may have the same number: the tenant stands beside it. */
function summary({ tenantId, invoiceId }: InvoiceInput, { invoice }: InvoiceView): string[] {
  return [
    `**${title(invoice)}**`,
    '',
    table(
      ['Tenant', 'Invoice', 'Customer reference'],
      [tenantId, invoiceId, plain(invoice.customerReference ?? 'none')],
    ),
    '',
    table(
      ['Amount', 'Paid', 'Due', 'Version'],
      [
        `${invoice.amount} ${invoice.currency}`,
        `${invoice.amountPaid} ${invoice.currency}`,
        invoice.dueDate ?? 'none',
        invoice.version,
      ],
    ),
  ];
}

/** Only a draft has no number, and what was cancelled while it was one. */
function title({ number, status, overdue }: InvoiceView['invoice']): string {
  if (number !== null) return `${number}: ${status}${overdue ? ', overdue' : ''}`;
  return status === 'draft' ? 'Draft' : `Draft that was ${status}`;
}

const waitingLine = ({ step, actor, since }: Waiting): string =>
  `- \`${step}\`, asked by ${plain(actor)} at ${readable(since)}`;

const timerLine = (timer: Timer): string => `- ${timerSummary(timer)}: ${readable(timer.at)} UTC`;

function nextLine({ invoice }: InvoiceView): string {
  if (isFinal(invoice.status)) return `Nothing: the invoice is ${invoice.status}, for good.`;
  const can = allowedActions(invoice.status).map((step) => `\`${step}\``);
  return `Nothing is in progress. The invoice can take ${can.join(', ')}; to cancel it, send the update \`cancel\` (Request Cancellation changes nothing).`;
}

const steps = ({ entries }: InvoiceView): string =>
  table(
    ['When (UTC)', 'What', 'Who', 'Version', 'Why'],
    ...entries
      .toReversed()
      .map(({ at, action, actor, version, reason }) => [
        readable(at),
        pastTenseOf(action),
        plain(actor),
        version,
        plain(reason ?? ''),
      ]),
  );
