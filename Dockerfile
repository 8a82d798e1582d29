# syntax=docker/dockerfile:1
# Every step that is more than a copy is a script in docker/, and a test takes the same steps without an
# engine: npx vitest run test/docker. Build with: docker build -t referee .
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS pack
WORKDIR /repository
COPY package.json package-lock.json ./
COPY docker/install.sh docker/
RUN ["sh", "docker/install.sh", "/repository", "all"]
COPY tsconfig.json tsconfig.build.json tsconfig.declarations.json ./
COPY README.md LICENSE CHANGELOG.md .env.example ./
COPY bin bin
COPY src src
COPY routes routes
COPY docs docs
COPY docker docker
RUN ["sh", "docker/pack.sh", "/package"]

FROM ${NODE_IMAGE} AS install
WORKDIR /app
COPY package.json package-lock.json ./
COPY docker/install.sh docker/
RUN ["sh", "docker/install.sh", "/app"]

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="referee" \
      org.opencontainers.image.description="Call routing for Telnyx" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=install /app/node_modules node_modules
COPY --from=pack /package ./
COPY docker/volume.sh docker/verify.sh docker/start.sh docker/
RUN ["sh", "docker/verify.sh"]
# The user `node` of the image, by number: Kubernetes can tell that it is not root.
RUN ["sh", "docker/volume.sh", "/data", "1000:1000"]

# Call routes are the operator's: mount them, or put them into an image of your own with COPY routes /routes.
ENV NODE_ENV=production \
    ROUTES_DIR=/routes \
    DATABASE_URL=sqlite:/data/referee.db
USER 1000:1000
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "docker/health.js"]
ENTRYPOINT ["sh", "docker/start.sh"]
CMD ["serve"]
