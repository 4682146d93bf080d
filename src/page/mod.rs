//! The page that operators look at: its files, as they go to a browser.
//!
//! There is nothing to build: what stands in `assets` is what a browser runs, plain modules and one style sheet. All of it is
//! in the binary, and is compressed once, when it is asked for first. The page asks what everybody asks, `/v1/…`, and holds
//! nothing of its own; what it may ask is up to the token of whoever looks at it, which it keeps in memory alone.
//!
//! | file | what it does |
//! |---|---|
//! | `index.html`, `style.css`, `icon.svg` | the frame, the looks, the mark |
//! | `app.js` | puts the parts together, follows changes |
//! | `api.js`, `signin.js` | asks; the token |
//! | `dom.js` | elements from words |
//! | `truth.js` | the line of truth |
//! | `ask.js`, `answer.js`, `elsewhere.js` | the box, what is answered, and what other homeservers would say |
//! | `map.js`, `treemap.js`, `colour.js`, `claims.js` | the map of names, where its cells lie, whose colour is whose, and who claims what is shown |
//! | `collisions.js`, `files.js`, `changes.js`, `check.js` | what collides, the files, what changed, and a registration that is pasted |

use std::io::Write;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A file of the page.
#[derive(Debug)]
pub struct Asset {
    name: &'static str,
    /// What it is.
    pub content_type: &'static str,
    /// As it is written.
    pub content: &'static str,
    /// The same, compressed.
    pub gzipped: Vec<u8>,
    /// What names these bytes and no others, in quotation marks.
    pub tag: String,
}

macro_rules! assets {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("assets/", $name)))),+]
    };
}

/// Each file by its name; the page itself comes first.
const FILES: &[(&str, &str)] = assets![
    "index.html",
    "style.css",
    "icon.svg",
    "app.js",
    "api.js",
    "answer.js",
    "ask.js",
    "changes.js",
    "check.js",
    "claims.js",
    "collisions.js",
    "colour.js",
    "dom.js",
    "elsewhere.js",
    "files.js",
    "map.js",
    "signin.js",
    "treemap.js",
    "truth.js",
];

static ASSETS: LazyLock<Vec<Asset>> =
    LazyLock::new(|| FILES.iter().map(|(name, content)| Asset::new(name, content)).collect());

/// The page itself.
#[must_use]
pub fn index() -> &'static Asset {
    &ASSETS[0]
}

/// A file that the page consists of.
#[must_use]
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS[1..].iter().find(|asset| asset.name == name)
}

impl Asset {
    fn new(name: &'static str, content: &'static str) -> Self {
        let content_type = match name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/javascript; charset=utf-8",
        };
        let tag = format!("\"{}\"", &blake3::hash(content.as_bytes()).to_hex()[..32]);
        Self { name, content_type, content, gzipped: gzipped(content), tag }
    }
}

fn gzipped(content: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(content.as_bytes()).and_then(|()| encoder.finish());
    written.expect("memory can be written to")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::io::Read;

    use super::*;

    /// What the page may take of the binary.
    const MOST_BYTES: usize = 200 << 10;

    #[test]
    fn every_file_is_embedded_and_all_of_them_are_small() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/page/assets");
        let there = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let there: HashSet<String> = there.map(|name| name.to_string_lossy().into_owned()).collect();
        let embedded: HashSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(there, embedded);
        let bytes: usize = FILES.iter().map(|(_, content)| content.len()).sum();
        assert!(bytes <= MOST_BYTES, "{bytes}");
    }

    #[test]
    fn what_is_compressed_is_what_is_written() {
        for asset in ASSETS.iter() {
            let mut unpacked = String::new();
            flate2::read::GzDecoder::new(&*asset.gzipped).read_to_string(&mut unpacked).expect("gzip");
            assert!(unpacked == asset.content, "{}", asset.name);
        }
    }

    /// What is imported is there: a browser would say so only when somebody looks.
    #[test]
    fn every_file_that_is_named_is_there() {
        for (name, content) in FILES {
            for part in content.split('"').skip(1).step_by(2) {
                let named = part.strip_prefix("./").or_else(|| part.strip_prefix("page/"));
                if let Some(named) = named {
                    assert!(asset(named).is_some(), "{name} names {named}");
                }
            }
        }
    }
}
