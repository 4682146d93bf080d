//! Files are mixed up, at random: pasted over each other, swapped and seen halfway, damaged, mended, while somebody asks for reloads
//! all the time. Whose a name is never changes.

use std::fs;

use bailiwick::reload::{Engine, Trigger};

use super::owners;
use super::scene::{IDS, Kind, Scene, in_force};
use crate::support::registration;

/// A small generator (xorshift), so that what it finds is found again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

/// Another regex in each revision; all match the ID that is asked about.
fn text(id: &str, revision: usize) -> String {
    registration(id, &format!("{id}_(?:x|r{revision})"))
}

struct Shuffle {
    scene: Scene,
    engine: Engine,
    random: Random,
    /// What was done, for whoever has to find out why it failed.
    done: Vec<String>,
}

impl Shuffle {
    /// Whatever a look sees, and whether or not it is confirmed, each name is its service's own.
    fn look(&mut self) {
        let trigger = if self.random.below(3) == 0 { Trigger::Request } else { Trigger::Event };
        self.engine.reload(trigger, false);
        self.done.push(format!("{trigger:?}"));
        for id in IDS {
            let found = owners(&self.engine, &format!("@{id}_x:example.com"));
            assert_eq!(found, [id], "{:?}: {:#?}\n{:#?}", self.scene.kind, self.done, self.files());
        }
    }

    fn files(&self) -> Vec<String> {
        let describe = |file: &bailiwick::snapshot::FileRecord| {
            let (state, id) = (file.state(), file.registration().map(bailiwick::registration::Registration::id));
            let name = file.file().rsplit('/').next().unwrap_or_default();
            format!("{name}: {state:?} {id:?} {:?}", file.faults().first().map(|fault| &fault.message))
        };
        in_force(&self.engine).files().iter().map(describe).collect()
    }

    fn happens(&mut self, revision: usize) {
        let at = self.random.below(IDS.len());
        let (id, other) = (IDS[at], IDS[(at + 1) % IDS.len()]);
        let fault = self.random.below(7);
        self.done.push(format!("{fault} of {id}, {revision}"));
        match fault {
            0 => self.scene.put(id, "id: ["),
            1 => self.scene.put(id, &text(other, revision)),
            2 | 3 => self.scene.put(id, &text(id, revision)),
            4 => return self.loses_them_all(),
            _ => self.swap(id, other),
        }
        self.look();
    }

    /// The directory is away for a while, and with it whatever says that files are mixed up.
    fn loses_them_all(&mut self) {
        let (dir, away) = (self.scene.dir(), self.scene.home.path().join("away"));
        fs::rename(&dir, &away).expect("moved");
        for _ in 0..2 {
            self.look();
        }
        fs::rename(&away, &dir).expect("moved back");
        self.look();
    }

    /// Two files change names, and back, and are seen at each step, or not.
    fn swap(&mut self, id: &str, other: &str) {
        let (a, b) = (self.scene.file(id), self.scene.file(other));
        let between = self.scene.home.path().join("between");
        for _ in 0..2 {
            for (from, to) in [(&a, &between), (&b, &a), (&between, &b)] {
                fs::rename(from, to).expect("moved");
                // What is gone for a moment is not confirmed to be.
                if self.random.below(3) == 0 {
                    self.engine.reload(Trigger::Event, false);
                    self.done.push(format!("{} is at {}", from.display(), to.display()));
                }
            }
        }
    }
}

#[test]
fn whose_a_name_is_does_not_change_when_files_are_mixed_up() {
    let kinds = [(Kind::Directory, false), (Kind::Symlinks, false), (Kind::Directory, true), (Kind::Symlinks, true)];
    for (seed, (kind, copies)) in (1..=6).flat_map(|seed| kinds.map(|kind| (seed, kind))) {
        let scene = Scene::new(kind, copies);
        for id in IDS {
            scene.put(id, &text(id, 0));
        }
        let engine = scene.started();
        let random = Random(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed) | 1);
        let mut shuffle = Shuffle { scene, engine, random, done: Vec::new() };
        for revision in 1..120 {
            shuffle.happens(revision);
        }
        for id in IDS {
            shuffle.scene.put(id, &text(id, 1_000));
        }
        shuffle.look();
        shuffle.engine.reload(Trigger::Request, false);
        assert!(in_force(&shuffle.engine).is_complete(), "{:#?}", shuffle.files());
    }
}
