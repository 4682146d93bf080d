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
# Mount the registrations here, read-only. Nothing is ever written: the root file system may be read-only too.
VOLUME ["/registrations"]
ENV BAILIWICK_LISTEN=0.0.0.0:8790
EXPOSE 8790
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["bailiwick", "health"]
ENTRYPOINT ["bailiwick"]
CMD ["serve", "/registrations"]
