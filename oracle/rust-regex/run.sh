#!/usr/bin/env bash
# Records what `regex` says: oracle/rust-regex/run.sh 1.13 < asked.jsonl > cases.jsonl
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export CARGO_TARGET_DIR=${RUST_REGEX_TARGET:-${XDG_CACHE_HOME:-$HOME/.cache}/rust-regex-oracle-$1}
cargo build --quiet --locked --manifest-path "$here/regex-$1/Cargo.toml"
exec "$CARGO_TARGET_DIR/debug/answer"
