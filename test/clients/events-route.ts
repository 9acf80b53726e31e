/**
 * `GET /v1/events` as a test needs it: it can be away, and have deleted events. What it answers comes from the service.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { System } from '../support/system.ts';

const PATH = '/v1/events';

export interface EventsRoute {
  url: string;
  /** What was asked, by query. */
  asked: URLSearchParams[];
  /** Nothing is answered while it is true. */
  isAway: boolean;
  /** As after retention: events before this sequence are gone. */
  firstSequence: number;
  close: () => Promise<unknown>;
}

type Answer = [status: number, body: unknown];
type Source = (query: URLSearchParams, tenantId: string) => Promise<Answer>;

export async function startEventsRoute(system: System): Promise<EventsRoute> {
  const source = fromService(system);
  const answer: Source = async (query, tenantId) => {
    const { isAway, firstSequence } = route;
    if (isAway) return [503, { code: 'temporarily_unavailable', detail: 'away' }];
    if (Number(query.get('afterSequence')) + 1 < firstSequence)
      return [410, { code: 'events_pruned', detail: 'deleted', firstSequence }];
    return source(query, tenantId);
  };
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://localhost').searchParams;
    route.asked.push(query);
    void answer(query, String(request.headers['x-tenant-id'])).then(([status, body]) => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const route: EventsRoute = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    isAway: false,
    firstSequence: 1,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
  return route;
}

const fromService =
  ({ url }: System): Source =>
  async (query, tenantId) => {
    const answer = await fetch(`${url}${PATH}?${query.toString()}`, { headers: { 'X-Tenant-Id': tenantId } });
    return [answer.status, await answer.json()];
  };
