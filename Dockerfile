# The images tiangong-api (target api), tiangong-operator (operator), tiangong-agent (agent) and tiangong-agent-tools
# (agent-tools). Their contents are those of `npm run images`, which needs no Docker: images/contents.ts lists them, and
# both builds have scripts/build-images.ts make the folders. What is said here once more is compared by a test.
#
#   docker build --target api --tag tiangong-api:0.1.0 .

FROM golang:1.26-bookworm AS tools
WORKDIR /project
COPY test/kubernetes test/kubernetes
COPY images/build-tools.sh images/contents.ts images/
RUN sh images/build-tools.sh /tools

FROM node:24.21.0-bookworm-slim AS project
WORKDIR /project
COPY package.json package-lock.json .npmrc ./
RUN npm ci --loglevel=error
COPY . .

FROM project AS folders
RUN npm run --silent images -- --folders /folders tiangong-api tiangong-operator tiangong-agent

FROM project AS folders-with-tools
COPY --from=tools /tools /tools
RUN npm run --silent images -- --folders /folders --tools /tools tiangong-agent-tools

FROM scratch AS base
ARG VERSION=0.1.0
COPY --from=folders /folders/base /
ENV PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" NODE_ENV="production"
LABEL org.opencontainers.image.version="$VERSION" org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
USER 65532:65532

FROM base AS api
COPY --from=folders /folders/api /
COPY --from=folders /folders/sbom-tiangong-api /
ENV TIANGONG_DATA="/var/lib/tiangong"
LABEL org.opencontainers.image.title="tiangong-api" org.opencontainers.image.description="Tiangong's REST API"
ENTRYPOINT ["node", "/app/api/main.js"]

FROM base AS operator
COPY --from=folders /folders/operator /
COPY --from=folders /folders/sbom-tiangong-operator /
LABEL org.opencontainers.image.title="tiangong-operator" org.opencontainers.image.description="Tiangong's operator"
ENTRYPOINT ["node", "/app/operator/main.js"]

FROM base AS agent-without-sbom
COPY --from=folders /folders/shell /
COPY --from=folders /folders/agent /
ENTRYPOINT ["tini", "-s", "--", "node", "/app/agent/main.js"]

FROM agent-without-sbom AS agent
COPY --from=folders /folders/sbom-tiangong-agent /
LABEL org.opencontainers.image.title="tiangong-agent" org.opencontainers.image.description="Tiangong's agent"

FROM agent-without-sbom AS agent-tools
COPY --from=folders-with-tools /folders/tools /
COPY --from=folders-with-tools /folders/sbom-tiangong-agent-tools /
LABEL org.opencontainers.image.title="tiangong-agent-tools" org.opencontainers.image.description="Tiangong's agent with kubectl and helm"
