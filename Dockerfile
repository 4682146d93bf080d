# syntax=docker/dockerfile:1
FROM docker.io/library/rust:1-bookworm AS build
WORKDIR /build

# Dependencies first: this layer is rebuilt only when the lock file changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches \
 && echo 'fn main() {}' > src/main.rs && touch src/lib.rs \
 && sed -i '/^\[\[bench\]\]/,/^$/d' Cargo.toml \
 && cargo build --locked --release \
 && rm -rf src benches

COPY Cargo.toml Cargo.lock ./
COPY src src
COPY openapi openapi
# The placeholder's artefacts carry newer times than the sources that were just copied.
RUN sed -i '/^\[\[bench\]\]/,/^$/d' Cargo.toml \
 && touch src/lib.rs src/main.rs && cargo build --locked --release

FROM docker.io/library/debian:bookworm-slim
COPY --from=build /build/target/release/bailiwick /usr/local/bin/bailiwick
# Numeric, so that Kubernetes can tell that it is not root.
USER 65532:65532
# Mount the registrations at /registrations, read-only. Nothing is ever written: the root file system may be read-only too.
# No VOLUME: it would put an empty directory where a mount was forgotten, and with that everybody may register everything;
# a directory that is not there keeps the service from becoming ready.
# A container has a network of its own: who gets at the port is decided where it is published (`-p 127.0.0.1:8790:8790`).
# With `--network host`, or wherever strangers share the network, set BAILIWICK_ALLOW_UNAUTHENTICATED=false and
# BAILIWICK_AUTH_TOKEN_FILE.
ENV BAILIWICK_LISTEN=0.0.0.0:8790 BAILIWICK_ALLOW_UNAUTHENTICATED=true
EXPOSE 8790
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["bailiwick", "health"]
ENTRYPOINT ["bailiwick"]
CMD ["serve", "/registrations"]
