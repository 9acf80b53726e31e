# One image for every process of the service; which one runs is decided by the command.
# Debian, not Alpine: Temporal's native core is built against glibc.
FROM node:20.20.2-bookworm-slim AS base
WORKDIR /app


FROM base AS build
COPY package.json package-lock.json ./
# No package needs its install scripts here; Prisma's would download an engine that nothing uses.
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# The generator only wants its native engine to exist, so any program will do.
RUN PRISMA_SCHEMA_ENGINE_BINARY=/bin/true CHECKPOINT_DISABLE=1 PRISMA_HIDE_UPDATE_MESSAGE=1 \
    node node_modules/prisma/build/index.js generate --no-hints
RUN node scripts/build.mjs


FROM base AS dependencies
COPY package.json package-lock.json ./
# Without --omit=optional the Prisma CLI and TypeScript would stay, as optional peers of @prisma/client. What else it
# leaves out is the compiler that bundles workflows, and that was done in the build stage.
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund
# Temporal's package carries its native core for five platforms; the other four are 110 MB.
RUN find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
    ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +


FROM base AS final
# Temporal's core verifies TLS with the system's certificates, and the slim image has none.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
# In a container the loopback address would be out of everybody's reach.
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    WORKFLOW_BUNDLE=/app/dist/workflow-bundle.js
COPY package.json ./
COPY --from=dependencies /app/node_modules node_modules
COPY prisma/migrations prisma/migrations
COPY scripts/migrate.mjs scripts/migrate.mjs
COPY --from=build /app/dist dist
# The files belong to root: the process can read its own code, not change it.
USER node
EXPOSE 3000
# No HEALTHCHECK: worker and consumer have no port to ask, and they run from this image too. The API's health check is
# where the API is started: GET /health/ready.
# A larger young generation takes a fifth off the processor time, because most objects here are short-lived.
CMD ["node", "--max-semi-space-size=64", "dist/bin/all.js"]
