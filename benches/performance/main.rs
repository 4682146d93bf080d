//! Speed and size, as one table: `cargo bench --bench performance`, or with names of parts: `-- questions http`; `-- --test` tries it with little.
//!
//! Ratios against baselines of the same run are what counts; the machine is not ours alone.

mod building;
mod elsewhere;
mod http;
mod measure;
mod questions;
mod workload;

/// That of the program, so that the figures are the program's.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    // As other benches have it: that it runs is all that is wanted.
    let tried = std::env::args().any(|argument| argument == "--test");
    let sizes = &[10, 100, 1_000, 10_000, 100_000, 1_000_000][..if tried { 2 } else { 6 }];
    let of = |size: usize| if tried { size.min(100) } else { size };
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    if wants("questions") {
        questions::run(sizes);
    }
    if wants("elsewhere") {
        elsewhere::run(sizes);
    }
    println!("\n## Building, loading, changing, comparing\n\n| what | figure | |\n|---|---:|---|");
    if wants("index") {
        building::index(of(100_000));
    }
    if wants("findings") {
        for size in [100_000, 1_000_000] {
            building::findings(of(size), of(1_000));
        }
    }
    if wants("loaders") {
        elsewhere::loaders(of(100_000));
    }
    if wants("http") {
        http::run(of(10_000));
    }
    if wants("disk") {
        building::disk(of(100_000));
    }
}
