# The image of every process: worker, backlog worker, projector, and the command-line tool.
# It is written for the builder of any Docker: no cache mounts, no here-documents.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build && find dist -name '*.map' -delete && chmod 755 dist/cli/main.js

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Optional are the PostgreSQL of the embedded mode and the compiler under tsx: a container needs neither.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY migrations migrations
COPY --from=build /app/dist dist
RUN ln -s /app/dist/cli/main.js /usr/local/bin/enrichment-ledger && ln -s enrichment-ledger /usr/local/bin/cli
# Half of 512 MB: V8 collects, or ends with a message, before the kernel ends it without one. Buffers and code take the rest.
ENV NODE_ENV=production \
    NODE_OPTIONS="--max-old-space-size=256 --max-semi-space-size=16" \
    HEALTH_HOST=0.0.0.0 \
    HEALTH_PORT=9464
USER node
EXPOSE 9464
# Unhealthy means that the process itself is stuck. While a server that it needs is away it is healthy and not ready:
# a worker holds what it has until the server is back, and to start it again would help nobody.
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 \
  CMD ["sh", "-c", "exec node /app/dist/http/probe.js \"http://127.0.0.1:$HEALTH_PORT\""]
ENTRYPOINT ["enrichment-ledger"]
CMD ["--help"]
