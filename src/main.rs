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

/// By these an operator says it.
#[cfg(not(feature = "jemalloc"))]
const SAID: [&str; 3] = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"];

fn main() -> ExitCode {
    #[cfg(not(feature = "jemalloc"))]
    if SAID.iter().all(|name| std::env::var_os(name).is_none()) {
        // Where that cannot be set, it is as it would have been: with another C library, for one.
        let _ = glibc_malloc::set_large_from(LARGE);
    }
    bailiwick::cli::main()
}
