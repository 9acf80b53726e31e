/** Settings of a service that refuses nobody for asking too much: a test is faster than any caller. */
export const noLimits = {
  ADDRESS_REQUESTS_PER_SECOND: '1000000',
  TENANT_REQUESTS_PER_SECOND: '1000000',
  TENANT_COMMANDS_AT_ONCE: '1000000',
};
