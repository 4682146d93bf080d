# Recipes for daily work: `just` lists them. Those of the first group are CI's steps, which are said once, in .ci/run;
# without just installed, `.ci/run STEP` is the same.

_default:
    @just --list --unsorted

# Everything that CI asks for
[group('steps of CI')]
ci:
    bash .ci/run

# Formatting
[group('steps of CI')]
fmt:
    bash .ci/run fmt

# Lints
[group('steps of CI')]
clippy:
    bash .ci/run clippy

# All tests
[group('steps of CI')]
test:
    bash .ci/run test

# Documentation without warnings
[group('steps of CI')]
doc:
    bash .ci/run doc

# The committed OpenAPI document is what the binary prints
[group('steps of CI')]
openapi:
    bash .ci/run openapi

# Generated clients ask every operation of the contract (needs the network)
[group('steps of CI')]
clients:
    bash .ci/run clients

# The page in a real Chromium (needs the network the first time)
[group('steps of CI')]
page:
    bash .ci/run page

# What Kustomize puts together fits the schemas (needs the network the first time)
[group('steps of CI')]
manifests:
    bash .ci/run manifests

# The module in real Synapses, in each mode and on workers (needs the network)
[group('steps of CI')]
synapse:
    bash .ci/run synapse

# The store on a real PostgreSQL (needs the network where that is not installed)
[group('steps of CI')]
store:
    bash .ci/run store

# The fuzz targets compile
[group('steps of CI')]
fuzz-check:
    bash .ci/run fuzz-check

# Licences, sources and bans of dependencies
[group('steps of CI')]
deny:
    bash .ci/run deny

# Known holes of dependencies (needs the network)
[group('steps of CI')]
advisories:
    bash .ci/run advisories

# The oldest compiler that Cargo.toml promises (fetches it)
[group('steps of CI')]
msrv:
    bash .ci/run msrv

# Every fuzz target for so many seconds
[group('steps of CI')]
fuzz seconds="60":
    FUZZ_SECONDS={{ seconds }} bash .ci/run fuzz

# One test, or those whose name holds a word: just one reload::
[group('daily work')]
one name:
    cargo test --workspace {{ name }}

# Write down what is printed now: the pages' examples, the answers and the document of the interface
[group('daily work')]
bless:
    BAILIWICK_BLESS=1 cargo test --test it -- finding_pages openapi::the_examples
    cargo run --quiet -- openapi > openapi/bailiwick.json

# The benchmarks, or parts of them: just bench questions index
[group('daily work')]
bench *parts:
    cargo bench --bench performance -- {{ parts }}

# Faults for so many seconds: files broken, cut, swapped and removed while questions are asked
[group('daily work')]
faults seconds="120":
    cargo build --release
    cargo run --release --example fault_run -- --seconds {{ seconds }}

# The container image
[group('daily work')]
image:
    docker build --tag bailiwick .
