//! What the policy data of a Matrix Authentication Service become: ours replaced, all else as it is.
//!
//! The data are one document that others may keep things in, too, the operator's own list of banned names first. Nothing in
//! it says who put a name on a list, so what is ours stands once more under the key `bailiwick`: what is listed there is
//! taken off the lists, once each, and what is ours now is put on them. A name that somebody else lists as well stays theirs.

use serde_json::{Map, Value, json};

/// The lists, as the service's own policy reads them.
const LISTS: [&str; 5] = ["literals", "prefixes", "suffixes", "substrings", "regexes"];
/// Each evaluation of a policy puts the data in place anew; a megabyte is what the service's own tests go up to.
const MOST: usize = 1_000_000;

/// The data as they should be, and how they differ.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) data: Value,
    pub(super) added: usize,
    pub(super) removed: usize,
}

/// Puts our names into data. `ours` are lists by their names; with `keep`, nothing that was ours is taken away.
pub(super) fn merged(current: &Value, ours: &Value, snapshot: &str, keep: bool) -> Result<Merged, String> {
    let mut data = current.clone();
    let before = data.get("bailiwick").cloned().unwrap_or_else(|| json!({}));
    let root = data.as_object_mut().ok_or("the policy data are no object")?;
    let banned = object(object(root, "registration")?, "banned_usernames")?;
    let mut record = Map::from_iter([("snapshot".to_owned(), json!(snapshot))]);
    let (mut added, mut removed) = (0, 0);
    for list in LISTS {
        let was = texts(&before, list).map_err(|error| format!("`bailiwick.{error}"))?;
        let now = texts(ours, list)?;
        let mut theirs = match banned.get(list) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.clone(),
            Some(_) => return Err(format!("`registration.banned_usernames.{list}` is no list")),
        };
        // What the record says is ours and somebody has taken off the list is put back.
        let listed = theirs.clone();
        for text in &was {
            if let Some(at) = theirs.iter().position(|known| known == text) {
                theirs.remove(at);
            }
        }
        let kept = was.iter().filter(|text| keep && !now.contains(text));
        let is_theirs = |text: &&String| theirs.iter().any(|known| known == *text);
        let mine: Vec<String> = now.iter().chain(kept).filter(|text| !is_theirs(text)).cloned().collect();
        let is_there = |text: &&String| was.contains(text) && listed.iter().any(|known| known == *text);
        added += mine.iter().filter(|text| !is_there(text)).count();
        removed += was.iter().filter(|text| !mine.contains(text)).count();
        put(&mut record, list, mine.iter().map(|text| json!(text)).collect());
        theirs.extend(mine.into_iter().map(Value::from));
        put(banned, list, theirs);
    }
    root.insert("bailiwick".to_owned(), Value::Object(record));
    let size = data.to_string().len();
    if size > MOST {
        return Err(format!(
            "the policy data would have {size} bytes, and more than {MOST} are not sent: each registration \
                            of a person costs as much"
        ));
    }
    Ok(Merged { data, added, removed })
}

/// The object at a key, which may be missing.
fn object<'v>(within: &'v mut Map<String, Value>, key: &str) -> Result<&'v mut Map<String, Value>, String> {
    let value = within.entry(key).or_insert_with(|| json!({}));
    value.as_object_mut().ok_or_else(|| format!("`{key}` in the policy data is no object"))
}

fn texts(of: &Value, list: &str) -> Result<Vec<String>, String> {
    let Some(items) = of.get(list) else { return Ok(Vec::new()) };
    let text = |item: &Value| item.as_str().map(str::to_owned);
    let texts = items.as_array().and_then(|items| items.iter().map(text).collect());
    texts.ok_or_else(|| format!("{list}` is no list of texts"))
}

/// A list that holds nothing is not there: joined with the configuration's, it would say the same.
fn put(map: &mut Map<String, Value>, list: &str, items: Vec<Value>) {
    if items.is_empty() {
        map.shift_remove(list);
    } else {
        map.insert(list.to_owned(), Value::Array(items));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(current: &Value, ours: &Value, keep: bool) -> Value {
        merged(current, ours, "s1", keep).expect("merged").data
    }

    #[test]
    fn ours_is_replaced_and_all_else_stays_as_it_is() {
        let current = json!({
            "registration": {"banned_usernames": {"literals": ["root", "old", "shared"], "regexes": ["^x"]}, "other": 1},
            "emails": {"banned": ["a"]},
            "bailiwick": {"snapshot": "s0", "literals": ["old"]},
        });
        let ours = json!({"literals": ["new", "shared"], "prefixes": ["irc_"]});
        let merged = merged(&current, &ours, "s1", false).expect("merged");
        assert_eq!(
            merged.data,
            json!({
                "registration": {
                    "banned_usernames": {"literals": ["root", "shared", "new"], "regexes": ["^x"], "prefixes": ["irc_"]},
                    "other": 1
                },
                "emails": {"banned": ["a"]},
                // What somebody else lists, too, is not ours to take away.
                "bailiwick": {"snapshot": "s1", "literals": ["new"], "prefixes": ["irc_"]},
            })
        );
        assert_eq!((merged.added, merged.removed), (2, 1));
        let gone = after(&merged.data, &json!({}), false);
        assert_eq!(
            gone["registration"]["banned_usernames"],
            json!({"literals": ["root", "shared"], "regexes": ["^x"]})
        );
        assert_eq!(gone["bailiwick"], json!({"snapshot": "s1"}));
    }

    #[test]
    fn a_name_that_somebody_else_lists_twice_with_us_stays_once() {
        let current = json!({
            "registration": {"banned_usernames": {"literals": ["bot", "bot"]}},
            "bailiwick": {"literals": ["bot"]},
        });
        assert_eq!(after(&current, &json!({}), false)["registration"]["banned_usernames"]["literals"], json!(["bot"]));
    }

    #[test]
    fn a_name_that_somebody_has_taken_off_the_list_is_put_back() {
        let current = json!({
            "registration": {"banned_usernames": {"literals": ["root"]}},
            "bailiwick": {"literals": ["bot"], "prefixes": ["a_"]},
        });
        let merged = merged(&current, &json!({"literals": ["bot"], "prefixes": ["a_"]}), "s1", false).expect("merged");
        assert_eq!((merged.added, merged.removed), (2, 0));
        let banned = &merged.data["registration"]["banned_usernames"];
        assert_eq!(*banned, json!({"literals": ["root", "bot"], "prefixes": ["a_"]}));
    }

    #[test]
    fn where_something_may_be_missing_nothing_is_taken_away() {
        let current =
            json!({"registration": {"banned_usernames": {"prefixes": ["a_"]}}, "bailiwick": {"prefixes": ["a_"]}});
        let kept = after(&current, &json!({"prefixes": ["b_"]}), true);
        assert_eq!(kept["registration"]["banned_usernames"]["prefixes"], json!(["b_", "a_"]));
        assert_eq!(kept["bailiwick"]["prefixes"], json!(["b_", "a_"]));
    }

    #[test]
    fn what_is_not_as_it_should_be_is_left_alone() {
        for current in [
            json!([]),
            json!({"registration": []}),
            json!({"registration": {"banned_usernames": {"literals": "root"}}}),
            json!({"bailiwick": {"literals": "root"}}),
        ] {
            assert!(merged(&current, &json!({}), "s1", false).is_err(), "{current}");
        }
        let many: Vec<String> = (0..60_000).map(|number| format!("a-name-of-somebody-{number}")).collect();
        let error = merged(&json!({}), &json!({"literals": many}), "s1", false).expect_err("it is too much");
        assert!(error.contains("1000000"), "{error}");
    }
}
