/** Every topic that there are several versions of. */
import { type TopicVersion, topicVersions } from '../event-versions/lines.ts';
import { publishedInvoiceEvents } from '../invoices/events.ts';

/** `environment` is NODE_ENV. */
export const versionedTopics = (environment: string): TopicVersion[] =>
  topicVersions(publishedInvoiceEvents, environment);
