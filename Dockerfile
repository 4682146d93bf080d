# syntax=docker/dockerfile:1
# The bases are named by tag: a build takes Debian's and Rust's mended packages without a commit here. Who wants the same bytes again
# names digests (`docker buildx imagetools inspect`), and then has to follow the mends.
# The machine that builds compiles for the one that runs, which takes as long as for itself; an emulated compiler takes hours.
FROM --platform=$BUILDPLATFORM docker.io/library/rust:1-bookworm AS build
# amd64 or arm64: `docker build --platform linux/arm64 .`
ARG TARGETARCH
WORKDIR /build

# The context is what .dockerignore lets in. Dependencies stay compiled between builds on one machine, in the two caches;
# of the workspace's own code nothing is taken from them, because cargo would go by times that a copied file brings along.
COPY . .
# What `bailiwick --version` says besides, and where SARIF has the pages of the findings (docs/releasing.md): nothing, if not given.
ARG BAILIWICK_COMMIT BAILIWICK_DATE BAILIWICK_DOCS_URL
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    set -eu; \
    case "$TARGETARCH" in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; \
      *) echo "compiled for amd64 and arm64, not for \`$TARGETARCH\`" >&2; exit 1 ;; esac; \
    target=$machine-unknown-linux-gnu; linker=$machine-linux-gnu-gcc; \
    if ! command -v "$linker" >/dev/null; then \
      apt-get update --quiet; apt-get install --yes --no-install-recommends "gcc-$(echo "$machine" | tr _ -)-linux-gnu" "libc6-dev-$TARGETARCH-cross"; \
    fi; \
    [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || rustup target add "$target"; \
    find benches crates openapi src -type f -exec touch {} +; \
    env "CARGO_TARGET_$(echo "$target" | tr a-z- A-Z_)_LINKER=$linker" \
      cargo build --locked --profile dist --target "$target"; \
    cp "target/$target/dist/bailiwick" /usr/local/bin/

# Nothing is run in it while it is built, so that no machine of its kind is needed for that.
FROM docker.io/library/debian:bookworm-slim
COPY --from=build /usr/local/bin/bailiwick /usr/local/bin/bailiwick
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
