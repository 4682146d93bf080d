use std::collections::HashSet;

use proptest::prelude::*;

use super::tree::{Beginning, Node, Tree};
use crate::index::ServicePos;

fn beginning(text: &str, service: usize) -> Beginning {
    Beginning {
        text: text.into(),
        service: ServicePos::new(service),
        index: Some(0),
        exclusive: service.is_multiple_of(2),
    }
}

fn tree(list: &[(&str, usize)], witnesses: &[&str]) -> Tree {
    let beginnings = list.iter().map(|(text, service)| beginning(text, *service)).collect();
    Tree::new(beginnings, witnesses.iter().map(|id| (*id).to_owned()))
}

/// Every node, as it may be read at a glance: depth, prefix, entries, those right here, services, contests.
fn drawn(node: Node<'_>, depth: usize, lines: &mut Vec<String>) {
    let (entries, here) = (node.beginnings().len(), node.here());
    let (services, contested) = (node.services(), node.contested());
    lines.push(format!("{}{} {entries} {here} {services} {contested}", "  ".repeat(depth), node.prefix()));
    for child in node.children() {
        drawn(child, depth + 1, lines);
    }
}

#[test]
fn beginnings_become_a_tree() {
    let list =
        [("@irc_", 0), ("@", 3), ("@irc_bot:x", 0), ("@telegram_", 1), ("@irc_", 2), ("@telegrambot:x", 1), ("@é_", 4)];
    let tree = tree(&list, &["@irc_a:x", "@irc_bot:x", "@nobody:x"]);
    let mut lines = Vec::new();
    drawn(tree.node("@").expect("a root"), 0, &mut lines);
    let expected =
        ["@ 7 1 5 3", "  @irc_ 3 2 2 2", "    @irc_bot:x 1 1 1 1", "  @telegram 2 0 1 0", "    @telegram_ 1 1 1 0"];
    assert_eq!(lines[..5], expected);
    assert_eq!(lines[5..], ["    @telegrambot:x 1 1 1 0", "  @é_ 1 1 1 0"]);
}

#[test]
fn a_prefix_is_found_on_a_node_between_two_and_nowhere() {
    let tree = tree(&[("@irc_", 0), ("@", 3), ("@irc_bot:x", 0)], &[]);
    let found = |prefix| tree.node(prefix).map(Node::prefix);
    assert_eq!(found("@irc_"), Some("@irc_"));
    assert_eq!(found("@ir"), Some("@irc_"));
    assert_eq!(found("@irc_b"), Some("@irc_bot:x"));
    assert_eq!(found("@irc_x"), None);
    assert_eq!(found("@irc_bot:xy"), None);
    assert_eq!(found("#"), None);
    assert!(Tree::default().node("@").is_none());
    let reaching: Vec<_> = tree.reaching("@irc_x").map(|one| &*one.text).collect();
    assert_eq!(reaching, ["@", "@irc_"]);
    assert!(tree.below("@irc_x").is_empty());
}

proptest! {
    /// What a node says is what counting one by one comes to.
    #[test]
    fn a_node_counts_what_begins_with_it(
        list in proptest::collection::vec(("@[abé]{0,5}", 0_usize..5), 1..40),
        ids in proptest::collection::vec("@[abé]{0,6}", 0..8),
    ) {
        let beginnings: Vec<Beginning> = list.iter().map(|(text, service)| beginning(text, *service)).collect();
        let tree = Tree::new(beginnings.clone(), ids.clone());
        let distinct: HashSet<(&str, ServicePos)> = beginnings.iter().map(|one| (&*one.text, one.service)).collect();
        let mut todo = vec![tree.node("@").expect("a root")];
        let mut here = 0;
        while let Some(node) = todo.pop() {
            let below: Vec<_> = distinct.iter().filter(|(text, _)| text.starts_with(node.prefix())).collect();
            prop_assert_eq!(node.beginnings().len(), below.len());
            prop_assert_eq!(tree.below(node.prefix()).len(), below.len());
            let services: HashSet<_> = below.iter().map(|(_, service)| service).collect();
            prop_assert_eq!(node.services(), services.len());
            prop_assert_eq!(node.exclusive(), below.iter().filter(|(_, service)| service.index() % 2 == 0).count());
            prop_assert_eq!(node.contested(), ids.iter().filter(|id| id.starts_with(node.prefix())).count());
            here += node.here();
            todo.extend(node.children());
        }
        prop_assert_eq!(here, distinct.len());
    }
}
