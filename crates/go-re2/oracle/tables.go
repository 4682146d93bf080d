// Writes src/tables.rs from the tables of the Go that runs it: see oracle/run.sh.
package main

import (
	"fmt"
	"maps"
	"slices"
	"unicode"
)

type span struct{ low, high rune }

func spans(table *unicode.RangeTable) (all []span) {
	add := func(low, high, stride rune) {
		for c := low; c <= high; c += stride {
			if n := len(all); n > 0 && all[n-1].high+1 == c {
				all[n-1].high = c
			} else {
				all = append(all, span{c, c})
			}
		}
	}
	for _, r := range table.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range table.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return all
}

func wrapped(indent string, items []string) {
	line := indent
	for _, item := range items {
		if len(line)+len(item)+1 > 120 {
			fmt.Println(line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += item
	}
	if line != indent {
		fmt.Println(line)
	}
}

func hex(c rune) string {
	if c > 0xfffff {
		return fmt.Sprintf("%#x_%04x", c>>16, c&0xffff)
	}
	return fmt.Sprintf("%#x", c)
}

func pairs(all []span) (items []string) {
	for _, s := range all {
		items = append(items, fmt.Sprintf("(%s, %s),", hex(s.low), hex(s.high)))
	}
	return items
}

func named(name, what string, tables map[string]*unicode.RangeTable, skip func(string) bool) {
	fmt.Printf("\n/// %s, by name.\n#[rustfmt::skip]\npub(crate) const %s: &[(&str, &[(u32, u32)])] = &[\n", what, name)
	for _, key := range slices.Sorted(maps.Keys(tables)) {
		if !skip(key) {
			fmt.Printf("    (%q, &[\n", key)
			wrapped("        ", pairs(spans(tables[key])))
			fmt.Println("    ]),")
		}
	}
	fmt.Println("];")
}

func main() {
	fmt.Printf("//! The characters as Go 1.25 knows them: Unicode %s. Written by oracle/tables.go; do not edit.\n//!\n", unicode.Version)
	fmt.Println("//! Copyright 2009 The Go Authors, under the licence in LICENSE-GO; the data are Unicode's, under its licence.")
	fmt.Println("\nuse std::ops::RangeInclusive;")
	named("CATEGORIES", "The categories that are not made of others", unicode.Categories, func(name string) bool {
		// What has one letter is what begins with it; `LC` is cased letters, `Cn` what is in no other.
		return len(name) == 1 || name == "LC" || name == "Cn"
	})
	named("SCRIPTS", "Scripts", unicode.Scripts, func(string) bool { return false })
	fmt.Println("\n/// Other names of categories.\npub(crate) const ALIASES: &[(&str, &str)] = &[")
	for _, key := range slices.Sorted(maps.Keys(unicode.CategoryAliases)) {
		fmt.Printf("    (%q, %q),\n", key, unicode.CategoryAliases[key])
	}
	fmt.Println("];\n\n/// Categories and scripts to which `(?i)` adds what is in them but for case; to others Go adds nothing.")
	var folded []string
	for _, tables := range []map[string]*unicode.RangeTable{unicode.FoldCategory, unicode.FoldScript} {
		for _, key := range slices.Sorted(maps.Keys(tables)) {
			folded = append(folded, fmt.Sprintf("%q,", key))
		}
	}
	fmt.Println("#[rustfmt::skip]\npub(crate) const FOLDED: &[&str] = &[")
	wrapped("    ", folded)
	fmt.Println("];\n\n/// Each character that is the same as another but for case, and the next of those: ascending, and the first after the last.")
	fmt.Println("#[rustfmt::skip]\nconst ORBITS: &[(u32, u32)] = &[")
	var next []span
	for c := rune(0); c <= unicode.MaxRune; c++ {
		if unicode.SimpleFold(c) != c {
			next = append(next, span{c, unicode.SimpleFold(c)})
		}
	}
	wrapped("    ", pairs(next))
	fmt.Println(`];

/// What follows a character among those that are the same but for case.
pub(crate) fn next_in_orbit(c: u32) -> u32 {
    ORBITS.binary_search_by_key(&c, |&(from, _)| from).map_or(c, |at| ORBITS[at].1)
}

/// The part of the table that is about characters of a range.
pub(crate) fn next_in_orbits(range: RangeInclusive<u32>) -> &'static [(u32, u32)] {
    let start = ORBITS.partition_point(|&(from, _)| from < *range.start());
    let end = ORBITS.partition_point(|&(from, _)| from <= *range.end());
    &ORBITS[start..end]
}`)
}
