/** What other slices may know of invoices. */
export { waking } from './create-many.ts';
export { type StepCommandDefinition, type StepSettings, commandOf } from './commands.ts';
export { type Invoice, type Step, type StepCommand, stepNames, stepOf } from './lifecycle.ts';
export { notAllowed } from './refusals.ts';
