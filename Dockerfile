# Tidewatch as an image: one program, no shell, not root.
#
#   docker build -t tidewatch .                     the service
#   docker build -t tidewatch:browser --target browser .   with Chromium, for workers that fall back to a browser
#
# Where another registry is used, or images of one's own, they are arguments.
ARG NODE_IMAGE=docker.io/library/node:22-bookworm-slim
ARG RUST_IMAGE=docker.io/library/rust:1.95-slim-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot
ARG BROWSER_IMAGE=docker.io/library/debian:bookworm-slim

# ---- The web page, which the program carries.
FROM ${NODE_IMAGE} AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund --silent
COPY web/ ./
RUN npm run --silent build

# ---- Only what says which libraries are needed: while it stays the same, the next stage is taken from the cache.
FROM ${RUST_IMAGE} AS manifests
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY crates/ crates/
RUN find crates -type f ! -name Cargo.toml -delete \
 && find crates -type d -empty -delete \
 && for crate in crates/*; do \
      mkdir -p "$crate/src" && : > "$crate/src/lib.rs"; \
    done \
 && echo 'fn main() {}' > crates/tidewatch/src/main.rs \
 && echo 'fn main() {}' > crates/ui/build.rs

# ---- The libraries.
FROM ${RUST_IMAGE} AS libraries
ARG PROFILE=dist
# A C compiler for SQLite and aws-lc.
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc g++ libc6-dev make cmake \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY --from=manifests /src ./
RUN cargo build --locked --profile "$PROFILE" -p tidewatch

# ---- The program.
FROM libraries AS build
ARG PROFILE=dist
COPY Cargo.toml Cargo.lock ./
COPY crates/ crates/
COPY --from=web /src/web/dist/ web/dist/
# Files keep the dates they had; cargo must not take the empty crates of the last stage for newer ones.
RUN find crates -type f -exec touch {} + \
 && cargo build --locked --profile "$PROFILE" -p tidewatch \
 && folder=$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE") \
 && install -D -m 0755 "target/$folder/tidewatch" /out/tidewatch \
 && install -d -m 0750 /out/lib/tidewatch

# ---- With Chromium beside it.
FROM ${BROWSER_IMAGE} AS browser
RUN apt-get update \
 && apt-get install -y --no-install-recommends chromium ca-certificates tzdata fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 65532 --no-create-home --home-dir /var/lib/tidewatch --shell /usr/sbin/nologin tidewatch
COPY --from=build /out/tidewatch /usr/local/bin/tidewatch
COPY --from=build --chown=65532:65532 /out/lib/ /var/lib/
ENV TIDEWATCH_SERVER__LISTEN=0.0.0.0:8080 \
    TIDEWATCH_SERVER__DATA_DIR=/var/lib/tidewatch \
    TIDEWATCH_LOG__FORMAT=json \
    TIDEWATCH_MARKET__BROWSER__CHROME_BIN=/usr/bin/chromium
USER 65532:65532
WORKDIR /var/lib/tidewatch
VOLUME /var/lib/tidewatch
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/tidewatch", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/tidewatch"]
CMD ["serve"]

# ---- The service: C library, certificates, time zones, the program.
FROM ${RUNTIME_IMAGE} AS service
COPY --from=build /out/tidewatch /usr/local/bin/tidewatch
COPY --from=build --chown=65532:65532 /out/lib/ /var/lib/
ENV TIDEWATCH_SERVER__LISTEN=0.0.0.0:8080 \
    TIDEWATCH_SERVER__DATA_DIR=/var/lib/tidewatch \
    TIDEWATCH_LOG__FORMAT=json
USER 65532:65532
WORKDIR /var/lib/tidewatch
VOLUME /var/lib/tidewatch
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/tidewatch", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/tidewatch"]
CMD ["serve"]
