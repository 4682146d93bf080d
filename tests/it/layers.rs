//! The house is layered one way: each room knows only those that `src/lib.rs` lists after it. Between the crates Cargo
//! sees to that; within this one, this test does.

use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

#[test]
fn each_room_knows_only_those_below_it() {
    let rooms = rooms();
    let mut up = Vec::new();
    for room in &rooms {
        let known_from = place(&rooms, room);
        for file in files_of(room) {
            let text = fs::read_to_string(&file).expect("a source file can be read");
            let named = text.split("crate::").skip(1).map(first_name);
            let above = named.filter(|name| rooms.iter().any(|room| room == name) && place(&rooms, name) < known_from);
            up.extend(above.map(|name| format!("{} knows {name}", file.display())));
            assert!(!text.contains("crate::{"), "{}: name each room of its own", file.display());
        }
    }
    assert!(up.is_empty(), "rooms that know one above them:\n{}", up.join("\n"));
}

#[test]
fn every_room_has_its_place_on_the_map() {
    let mut listed = rooms();
    listed.sort();
    let mut there: Vec<String> = fs::read_dir(SOURCES)
        .expect("there are sources")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| !path.ends_with("lib.rs") && !path.ends_with("main.rs"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    there.sort();
    assert_eq!(listed, there, "the list in src/lib.rs, and what is there");
    let map = fs::read_to_string(Path::new(SOURCES).with_file_name("ARCHITECTURE.md")).expect("there is a map");
    let map = map.split("```").nth(1).expect("the map is its first block");
    // Each line begins with one room or more, and goes on with what they are for.
    let on_the_map = map.lines().flat_map(|line| line.split(' ').map_while(|word| word.strip_suffix('/')));
    assert_eq!(on_the_map.collect::<Vec<_>>(), rooms(), "the map in ARCHITECTURE.md, and the list in src/lib.rs");
}

/// The rooms in the order in which `src/lib.rs` lists them, uppermost first.
fn rooms() -> Vec<String> {
    let library = fs::read_to_string(Path::new(SOURCES).join("lib.rs")).expect("there is a library");
    let listed = library.lines().filter(|line| line.starts_with("//! * [`"));
    listed.flat_map(|line| line.split("[`").skip(1)).map(first_name).map(str::to_owned).collect()
}

fn first_name(text: &str) -> &str {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default()
}

fn place(rooms: &[String], room: &str) -> usize {
    rooms.iter().position(|known| known == room).expect("a room that is listed")
}

fn files_of(room: &str) -> Vec<PathBuf> {
    let room = Path::new(SOURCES).join(room);
    let mut files = Vec::new();
    let mut to_visit = vec![room.with_extension("rs"), room];
    while let Some(path) = to_visit.pop() {
        if path.is_dir() {
            to_visit.extend(fs::read_dir(&path).expect("a room").map(|entry| entry.expect("an entry").path()));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files
}
