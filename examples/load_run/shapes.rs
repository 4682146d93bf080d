//! Registrations that are dear to check: kinds of shapes, each with the numbers that make it more or less so.
//!
//! A [`Case`] is what it is for good: its body follows from its numbers alone, so that a seed yields the same cases, and a
//! case that was dear can be varied by another number for its size, or for its shape.

use crate::document::{Document, Entry, Form};
use crate::random::Random;

/// A registration to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) kind: usize,
    /// What it looks like.
    pub(crate) shape: u64,
    /// How large the numbers in it are.
    pub(crate) size: u64,
}

type Make = fn(&mut Random, &mut Random) -> Document;

/// What may be dear, and how it is made from a shape and a size.
pub(crate) const KINDS: &[(&str, Make)] = &[
    ("counted", counted),
    ("union", union),
    ("look-around", look_around),
    ("nested", nested),
    ("subset", subset),
    ("many", many),
    ("pairs", pairs),
    ("literals", literals),
    ("classes", classes),
    ("folded", folded),
    ("references", references),
    ("shadows", shadows),
    ("mixed", mixed),
    ("everyone", everyone),
    ("names", names),
    ("own-users", own_users),
    ("merges", merges),
    ("aliases", aliases),
    ("yaml", yaml),
    ("keys", keys),
    ("faults", faults),
    ("json", json),
];

impl Case {
    pub(crate) fn body(self) -> Vec<u8> {
        let (_, make) = KINDS[self.kind];
        make(&mut Random::new(self.shape), &mut Random::new(self.size)).text()
    }
}

/// As many entries as there is room for and a size says, each with its number where `{}` stands.
fn entries(template: &str, exclusive: fn(usize) -> bool, size: &mut Random) -> Vec<Entry> {
    let most = crate::document::MOST / (template.len() + 30);
    let count = size.size(1, most.max(1)).min(most.max(1));
    let entry = |at| Entry { list: "users", exclusive: exclusive(at), regex: template.replace("{}", &at.to_string()) };
    (0..count).map(entry).collect()
}

fn of(template: &str, size: &mut Random) -> Document {
    Document { entries: entries(template, always, size), ..Document::named("newcomer") }
}

const fn always(_: usize) -> bool {
    true
}

const fn every_other(at: usize) -> bool {
    at.is_multiple_of(2)
}

/// A number put first, in the middle or last.
fn numbered(shape: &mut Random, regex: &str) -> String {
    match shape.below(3) {
        0 => format!("@{{}}{regex}"),
        1 => format!("@x{regex}{{}}"),
        _ => format!("@{regex}{{}}{regex}"),
    }
}

const CLASSES: &[&str] =
    &[r"\w", r"\W", r"\d", r"\s", r"\S", r"\D", ".", "[a-z]", "[^x]", r"[\w\s]", r"[^\W\d_]", "a", "[ab]", r"[\s\S]"];

fn bounds(shape: &mut Random, size: &mut Random, most: usize) -> String {
    let high = size.size(1, most);
    match shape.below(5) {
        0 => format!("{{{high}}}"),
        1 => format!("{{1,{high}}}"),
        2 => format!("{{{},{high}}}", high / 2),
        3 => format!("{{0,{high}}}?"),
        _ => format!("{{{high},}}"),
    }
}

fn counted(shape: &mut Random, size: &mut Random) -> Document {
    let parts = (0..=shape.below(3)).map(|_| {
        let class = shape.choose(CLASSES);
        let tail = shape.choose(&["", "+", "*", "?", "+?"]);
        let counted = format!("{class}{}", bounds(shape, size, 900));
        if tail.is_empty() { counted } else { format!("(?:{counted}){tail}") }
    });
    let regex: String = parts.collect();
    of(&numbered(shape, &regex), size)
}

fn union(shape: &mut Random, size: &mut Random) -> Document {
    let branches = size.size(2, 400);
    let length = size.size(1, 12);
    let class = shape.choose(CLASSES);
    let branch = |shape: &mut Random| {
        let word: String =
            (0..length).map(|_| char::from(b'a' + u8::try_from(shape.below(3)).expect("small"))).collect();
        if shape.chance(3) { format!("{class}{word}") } else { word }
    };
    let branches: Vec<String> = (0..branches).map(|_| branch(shape)).collect();
    let times = shape.choose(&["", "*", "+", "{2,9}"]);
    of(&numbered(shape, &format!("(?:{}){times}", branches.join("|"))), size)
}

fn look_around(shape: &mut Random, size: &mut Random) -> Document {
    let count = size.size(1, 30);
    let looks: String = (0..count)
        .map(|at| {
            let sign = shape.choose(&["=", "!"]);
            let class = shape.choose(CLASSES);
            match shape.below(4) {
                0 => format!("(?{sign}.*{class}{at})"),
                1 => format!("(?{sign}.{{{at}}}{class}+b)"),
                2 => format!("(?<{sign}{class}{class})"),
                _ => format!(r"{class}*\b"),
            }
        })
        .collect();
    let tail = shape.choose(&[".*", r"\w+", "", r".*:example\.com"]);
    of(&numbered(shape, &format!("{looks}{tail}")), size)
}

fn nested(shape: &mut Random, size: &mut Random) -> Document {
    let mut regex = shape.choose(CLASSES).to_owned();
    for _ in 0..size.size(1, 8) {
        let other = shape.choose(CLASSES);
        let times = if shape.chance(3) { shape.choose(&["*", "+", "?"]).to_owned() } else { bounds(shape, size, 60) };
        regex = match shape.below(3) {
            0 => format!("(?:{regex}){times}"),
            1 => format!("(?:{regex}|{other}){times}"),
            _ => format!("(?:{other}{regex}){times}"),
        };
    }
    of(&numbered(shape, &regex), size)
}

fn subset(shape: &mut Random, size: &mut Random) -> Document {
    let far = size.size(4, 200);
    let (class, all) = (shape.choose(CLASSES), shape.choose(&[".", "[ab]", r"\w", r"[\s\S]", "(?:a|b)"]));
    let regex = match shape.below(3) {
        0 => format!(".*{class}{all}{{{far}}}"),
        1 => format!("{all}*{class}{all}{{{far}}}{class}"),
        _ => format!("(?:{class}{all}{{{far}}}|{all}{{1,{far}}}b)*"),
    };
    of(&numbered(shape, &regex), size)
}

fn many(shape: &mut Random, size: &mut Random) -> Document {
    of(shape.choose(&["@{}", "@{}_.*", r"@b{}_.*:example\.com", "@.{}", "@[a-z]{}", "{}", "@.*{}", r"@\w+{}"]), size)
}

fn pairs(shape: &mut Random, size: &mut Random) -> Document {
    let start = shape.choose(&["@b", "@.", "@", "@br?", "@(?:b|c)", "@[a-c]"]);
    let tail = match shape.below(3) {
        0 => format!("{}{{}}", shape.choose(CLASSES)),
        1 => format!("{}*{{}}.*", shape.choose(CLASSES)),
        _ => format!("{}{}{{}}", shape.choose(CLASSES), bounds(shape, size, 40)),
    };
    let exclusive = if shape.chance(3) { every_other } else { always };
    Document { entries: entries(&format!("{start}{tail}"), exclusive, size), ..Document::named("newcomer") }
}

fn literals(shape: &mut Random, size: &mut Random) -> Document {
    let length = size.size(16, 8_000);
    let text: String = match shape.below(3) {
        0 => "a".repeat(length),
        1 => (0..length).map(|_| char::from(b'a' + u8::try_from(shape.below(26)).expect("small"))).collect(),
        _ => (0..length / 3).filter_map(|_| char::from_u32(0x4E00 + u32::try_from(shape.below(5_000)).ok()?)).collect(),
    };
    of(&numbered(shape, &text), size)
}

fn classes(shape: &mut Random, size: &mut Random) -> Document {
    let entries = (0..size.size(1, 3_000)).map(|at| {
        let ranges: String = (0..size.size(1, 60))
            .filter_map(|_| {
                let start = u32::try_from(shape.below(0xD000)).ok()?.max(0x80);
                let end = start + u32::try_from(shape.below(200)).ok()?;
                Some(format!("{}-{}", char::from_u32(start)?, char::from_u32(end)?))
            })
            .collect();
        let negated = if shape.chance(2) { "^" } else { "" };
        let more = shape.choose(&["", r"\w", r"\W", r"\s", r"\d"]);
        let times = shape.choose(&["", "*", "+", "{9}"]);
        Entry { list: "users", exclusive: true, regex: format!("@{at}[{negated}{more}{ranges}]{times}{at}") }
    });
    Document { entries: entries.collect(), ..Document::named("newcomer") }
}

fn folded(shape: &mut Random, size: &mut Random) -> Document {
    let class = shape.choose(&["k", "s", "ß", "ǆ", "[à-ÿ]", "[a-zà-ÿα-ω]", "[^a-z]", r"[\W]", "[Ā-Ⓩ]"]);
    let times = bounds(shape, size, 300);
    let flag = shape.choose(&["i", "im", "is", "iu", "ia"]);
    of(&format!("(?{flag}){}", numbered(shape, &format!("{class}{times}"))), size)
}

fn references(shape: &mut Random, size: &mut Random) -> Document {
    let regex = match shape.below(5) {
        0 => format!("{}{}$", "(.+)".repeat(size.size(1, 6)), r"\1"),
        1 => r"(a+)+(?<!x)\1$".to_owned(),
        2 => format!("(?:({}+))?(?(1)b|c){}", shape.choose(CLASSES), bounds(shape, size, 50)),
        3 => format!("({}{})++\\1", shape.choose(CLASSES), bounds(shape, size, 50)),
        _ => format!("(?>{}{}){}", shape.choose(CLASSES), bounds(shape, size, 200), shape.choose(CLASSES)),
    };
    let document = of(&numbered(shape, &regex), size);
    // Tried on the own users of others: those begin with these letters.
    let start = shape.choose(&["@", "@b", "@.", "@bot"]);
    let with = |entry: Entry| Entry { regex: entry.regex.replacen('@', start, 1), ..entry };
    Document { entries: document.entries.into_iter().map(with).collect(), ..Document::named("newcomer") }
}

fn shadows(shape: &mut Random, size: &mut Random) -> Document {
    let class = shape.choose(CLASSES);
    let template = match shape.below(4) {
        0 => format!("@.*{class}{{}}"),
        1 => format!("@{class}*a{{}}.*"),
        2 => format!("@.{}{{}}", bounds(shape, size, 90)),
        _ => format!("@.*{{}}.*{class}.*{{}}"),
    };
    Document { entries: entries(&template, every_other, size), ..Document::named("newcomer") }
}

/// Any expression at all.
fn mixed(shape: &mut Random, size: &mut Random) -> Document {
    let depth = 1 + shape.below(5);
    let regex = expression(shape, size, depth);
    let exclusive = if shape.chance(2) { every_other } else { always };
    Document { entries: entries(&numbered(shape, &regex), exclusive, size), ..Document::named("newcomer") }
}

fn expression(shape: &mut Random, size: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return shape.choose(CLASSES).to_owned();
    }
    let mut inner = |shape: &mut Random| expression(shape, size, depth - 1);
    let one = inner(shape);
    match shape.below(10) {
        0 => format!("{one}{}", inner(shape)),
        1 => format!("(?:{one}|{})", inner(shape)),
        2 => format!("(?:{one})*"),
        3 => format!("(?:{one}){}", bounds(shape, size, 20)),
        4 => format!("(?={one}){}", inner(shape)),
        5 => format!("(?!{one}){}", inner(shape)),
        6 => format!("(?:{one}){}+", shape.choose(&["*", "+", "?"])),
        7 => format!("(?>{one}){}", inner(shape)),
        8 => format!(r"{one}\b{}", inner(shape)),
        _ => format!("({one}){}", inner(shape)),
    }
}

fn everyone(shape: &mut Random, size: &mut Random) -> Document {
    let regex = shape.choose(&["@.*", ".*", "@.+", "", "@[^:]*:.*", "(?s).*", r"@\w*.*", "#.*", "!.*"]);
    let list = if regex.starts_with('#') { "aliases" } else { "users" };
    let count = size.size(1, 40_000);
    let exclusive = shape.chance(2);
    let entry = |_| Entry { list, exclusive, regex: regex.to_owned() };
    let form = shape.choose(&[Form::Yaml, Form::Aliases, Form::Json]);
    Document { entries: (0..count).map(entry).collect(), form, ..long_name(shape, size) }
}

/// A service with a long name, or a long name for its own user.
fn long_name(shape: &mut Random, size: &mut Random) -> Document {
    let long = shape.choose(&["i", "é", "\u{1F600}", "\u{7}", "<b>"]).repeat(size.size(1, 30_000));
    match shape.below(3) {
        0 => Document { id: long, ..Document::named("newcomer") },
        1 => Document { sender: long, ..Document::named("newcomer") },
        _ => Document::named("newcomer"),
    }
}

fn names(shape: &mut Random, size: &mut Random) -> Document {
    let template = shape.choose(&["@b{}_", "@b.*{}", "#b{}", r"@b{}_.*:example\.com", "@.*{}", "/@b{}/"]);
    let named = long_name(shape, size);
    Document { entries: entries(template, always, size), ..named }
}

/// What holds the own users of others, all of which are asked about.
fn own_users(shape: &mut Random, size: &mut Random) -> Document {
    let template = match shape.below(4) {
        0 => format!(r"@bot\d{}:example\.com{{}}", bounds(shape, size, 40)),
        1 => format!("@{}*{{}}:", shape.choose(CLASSES)),
        2 => format!(r"@(?:b|o|t|\d){}(?:{{}})?", bounds(shape, size, 200)),
        _ => format!("@(?=.*{{}})?bot{}", shape.choose(CLASSES)),
    };
    of(&template, size)
}

fn merges(shape: &mut Random, size: &mut Random) -> Document {
    let (levels, wide) = (size.size(1, 12), size.size(1, 40));
    let keys = size.size(1, 40);
    let mut preamble = "x0: &m0 {".to_owned();
    for key in 0..keys {
        preamble += &format!("k{key}: 1, ");
    }
    preamble += "}\n";
    for level in 1..=levels {
        let below = level - 1;
        let others = vec![format!("*m{below}"); wide].join(", ");
        preamble += &if shape.chance(2) {
            format!("x{level}: &m{level} {{<<: [{others}]}}\n")
        } else {
            format!("x{level}: &m{level} [{others}]\n")
        };
    }
    preamble.truncate(crate::document::MOST - 4_000);
    let cut = preamble.rfind('\n').map_or(0, |at| at + 1);
    preamble.truncate(cut);
    Document { preamble, ..of("@b{}", size) }
}

fn aliases(shape: &mut Random, size: &mut Random) -> Document {
    let regex = match shape.below(5) {
        0 => format!("@{}", "a".repeat(size.size(1, 100_000))),
        1 => format!("@{}{}", shape.choose(CLASSES), bounds(shape, size, 900)),
        2 => format!("@.*a.{{{}}}", size.size(1, 99)),
        3 => format!("@(?:{})", vec!["ab"; size.size(1, 2_000)].join("|")),
        _ => expression(shape, size, 4),
    };
    let entry = |_| Entry { list: "users", exclusive: true, regex: regex.clone() };
    let count = size.size(1, 40_000);
    Document { entries: (0..count).map(entry).collect(), form: Form::Aliases, ..Document::named("newcomer") }
}

fn yaml(shape: &mut Random, size: &mut Random) -> Document {
    let times = size.size(1, 60_000);
    let preamble = match shape.below(9) {
        0 => format!("x: {}{}\n", "[".repeat(times.min(900)), "]".repeat(times.min(900))),
        1 => format!("x: [{}]\n", "a, ".repeat(times)),
        2 => format!("x: {}\n", "9".repeat(times * 3)),
        3 => format!("x: \"{}\"\n", r"\u263a".repeat(times / 2)),
        4 => format!("x: {{{}}}\n", (0..times / 4).map(|at| format!("k{at}: 1")).collect::<Vec<_>>().join(", ")),
        5 => format!("x: [{}]\n", "2001-01-01T00:00:00Z, ".repeat(times / 8)),
        6 => format!("x: !!binary \"{}\"\n", "QUJD".repeat(times)),
        7 => format!("x: &a [{}]\ny: [{}]\n", "1, ".repeat(times / 3), "*a, ".repeat(times / 3)),
        _ => format!("x: |\n{}", " line\n".repeat(times / 2)),
    };
    let preamble = if preamble.len() > crate::document::MOST - 2_000 { "x: 1\n".to_owned() } else { preamble };
    Document { preamble, ..of("@b{}", size) }
}

fn keys(shape: &mut Random, size: &mut Random) -> Document {
    let word =
        shape.choose(&["sender_localpar", "as_toke", "rate_limite", "x", "namespace", "é", "usrs", "io.element.msc"]);
    let pad = shape.choose(&["", "_", "_long_and_longer_still_"]).repeat(size.size(1, 20));
    let count = size.size(1, 60_000);
    let mut rest = String::new();
    for at in 0..count {
        let line =
            if shape.chance(9) { format!("{word}{pad}: {{regex: 1}}\n") } else { format!("{word}{pad}{at}: 1\n") };
        if rest.len() + line.len() > crate::document::MOST - 3_000 {
            break;
        }
        rest += &line;
    }
    Document { rest, ..of("@b{}", size) }
}

fn faults(shape: &mut Random, size: &mut Random) -> Document {
    let wrong = shape.choose(&[
        "@(",
        "@[",
        "@a{9}{9}",
        r"@\1",
        "@(?P<é",
        "@(?<!a*)",
        r"@\N{nothing}",
        "@*",
        "@(?P=x)",
        "@[z-a]",
    ]);
    let long = "x".repeat(size.size(1, 4_000));
    let regex = if shape.chance(2) { format!("@{long}{wrong}") } else { format!("{wrong}{{}}") };
    let form = shape.choose(&[Form::Yaml, Form::Aliases, Form::Json]);
    let count = size.size(1, 40_000);
    let entry = |at: usize| Entry { list: "users", exclusive: true, regex: regex.replace("{}", &at.to_string()) };
    let count = if form == Form::Aliases { count } else { count.min(crate::document::MOST / (regex.len() + 30) + 1) };
    Document { entries: (0..count).map(entry).collect(), form, ..long_name(shape, size) }
}

fn json(shape: &mut Random, size: &mut Random) -> Document {
    let (_, make) = KINDS[shape.below(12)];
    Document { form: Form::Json, ..make(shape, size) }
}

/// A check that takes all the time that a check may: eight hundred times what has exponentially many states.
pub(crate) fn dear() -> Vec<u8> {
    let entry = |at| Entry { list: "users", exclusive: true, regex: format!("@.*a.{{60}}{at}") };
    Document { entries: (0..800).map(entry).collect(), ..Document::named("newcomer") }.text()
}
