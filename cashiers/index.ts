/** What other slices may know of cashiers. */
export { acceptsCurrency } from './currencies.ts';
export { acceptedCurrencies } from './row.ts';
