//! The `bailiwick` binary: everything is in the library, so that tests reach it too.

use std::process::ExitCode;

/// A million registrations are loaded in half the time of glibc's allocator, and take less memory (docs/performance.md). It has threads of
/// its own that give back what is no longer used: without them 39 of 450 MiB stayed for good after 300,000 rows were loaded and compared.
/// Not by default: under a limit of 512 MiB it ended where glibc's goes on (`tests/it/under_a_limit.rs`).
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    bailiwick::cli::main()
}
