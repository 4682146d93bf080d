//! The `bailiwick` binary: everything is in the library, so that tests reach it too.

use std::process::ExitCode;

/// It has threads of its own that give back what is no longer used (docs/performance.md). Not by default: under a limit of 512 MiB it ended
/// where glibc's goes on (`tests/it/under_a_limit.rs`), and a million registrations load no sooner.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// From this on a block is large: see `glibc_malloc`.
#[cfg(not(feature = "jemalloc"))]
const LARGE: i32 = 4 << 20;

fn main() -> ExitCode {
    // With another C library there is nothing to be set.
    #[cfg(not(feature = "jemalloc"))]
    let _ = glibc_malloc::set_large_from(LARGE);
    bailiwick::cli::main()
}
