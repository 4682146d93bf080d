//! `ip_range_whitelist`: what `netaddr.IPSet` takes.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Place;
use python_text::{Base, int};
use pyyaml::{Document, Located, NodeId, Value};

/// Where the value, which is truthy, holds something that `netaddr.IPSet` refuses.
pub(super) fn refused<'d>(document: &'d Document<'d>, found: Located<'d>) -> Option<Place> {
    let first_bad = |ids: &mut dyn Iterator<Item = NodeId>| {
        ids.map(|id| document.locate(id)).find(|item| !is_network(item.value)).map(|item| item.place)
    };
    match found.value {
        Value::List(items) => first_bad(&mut items.iter().copied()),
        // Iterating over a dict yields its keys.
        Value::Dict(pairs) | Value::Set(pairs) => first_bad(&mut pairs.iter().map(|&(key, _)| key)),
        Value::Pairs(items) => items.iter().copied().find(|&id| !is_integer_pair(document, id)).map(|_| found.place),
        // The bytes are integers, and so IPv4 addresses.
        Value::Binary { .. } => None,
        // No single character is an address; everything else cannot be iterated over.
        _ => Some(found.place),
    }
}

fn is_network(value: Value<'_>) -> bool {
    match value {
        Value::Str(text) => text.surrogates.is_empty() && is_network_text(&text.chars),
        Value::Int(number) => !number.negative && number.magnitude.is_some(),
        Value::Bool(_) => true,
        _ => false,
    }
}

/// A tuple of an address and a prefix length as integers.
fn is_integer_pair<'d>(document: &'d Document<'d>, id: NodeId) -> bool {
    let Some((key, value)) = document.single_pair(id) else { return false };
    let number = |id| match document.value(id) {
        Value::Int(number) if !number.negative => number.magnitude,
        Value::Bool(value) => Some(u128::from(value)),
        _ => None,
    };
    // What is no IPv4 network is tried as one of IPv6, and every number is an address of that.
    number(key).is_some() && number(value).is_some_and(|prefix| prefix <= 128)
}

/// An address, alone or with a prefix length, a netmask or a host mask.
fn is_network_text(text: &str) -> bool {
    let (address, mask) = match text.split_once('/') {
        Some((address, mask)) => (address, Some(mask)),
        None => (text, None),
    };
    let fits = |width: u32, bits: &dyn Fn(&str) -> Option<u128>| {
        bits(address).is_some()
            && mask.is_none_or(|mask| match int(mask, Base::Ten) {
                Ok(length) => !length.negative && length.magnitude.is_some_and(|length| length <= u128::from(width)),
                Err(_) => bits(mask).is_some_and(|mask| is_mask(mask, width)),
            })
    };
    fits(32, &|text| text.parse::<Ipv4Addr>().ok().map(|address| u128::from(address.to_bits())))
        || fits(128, &|text| text.parse::<Ipv6Addr>().ok().map(Ipv6Addr::to_bits))
}

/// Ones and then zeros, or zeros and then ones.
const fn is_mask(mask: u128, width: u32) -> bool {
    let full = u128::MAX >> (128 - width);
    let (host, net) = (mask, !mask & full);
    host & host.wrapping_add(1) == 0 || net & net.wrapping_add(1) == 0
}
