//! Speed and size, as one table: `cargo bench --bench performance`, or with names of parts: `-- questions http`.
//!
//! Ratios against baselines of the same run are what counts; the machine is not ours alone.

mod building;
mod elsewhere;
mod http;
mod measure;
mod questions;
mod workload;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    if wants("questions") {
        questions::run(&[10, 100, 1_000, 10_000, 100_000, 1_000_000]);
    }
    if wants("elsewhere") {
        elsewhere::run(&[10, 100, 1_000, 10_000, 100_000, 1_000_000]);
    }
    println!("\n## Building, loading, changing, comparing\n\n| what | figure | |\n|---|---:|---|");
    if wants("index") {
        building::index(100_000);
    }
    if wants("findings") {
        building::findings(100_000, 1_000);
    }
    if wants("loaders") {
        elsewhere::loaders(100_000);
    }
    if wants("http") {
        http::run(10_000);
    }
    if wants("disk") {
        building::disk(100_000);
    }
}
