import { defineConfig } from 'prisma/config';

// Only for people who use the Prisma CLI on this folder; the service itself gets its URL from platform/config.ts.
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(process.env['DATABASE_URL'] ? { datasource: { url: process.env['DATABASE_URL'] } } : {}),
});
