//! Numbers as part of a text: six bits a character, the lowest first, and with a further bit where more follow. So each is one
//! character of ASCII up to 63, and two up to 4,095.

use super::Place;

const BITS: u32 = 6;
const MORE: u8 = 1 << BITS;

/// Puts numbers behind a text.
pub(super) fn put(text: &mut String, numbers: impl IntoIterator<Item = u32>) {
    for mut number in numbers {
        while number >= u32::from(MORE) {
            text.push(char::from(low(number) | MORE));
            number >>= BITS;
        }
        text.push(char::from(low(number)));
    }
}

fn low(number: u32) -> u8 {
    number.to_le_bytes()[0] % MORE
}

/// The numbers that begin at the beginning of a text.
#[derive(Clone, Debug)]
pub(super) struct Numbers<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Numbers<'t> {
    pub(super) const fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn number(&mut self) -> u32 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.text.as_bytes()[self.at];
            self.at += 1;
            number |= u32::from(byte % MORE) << shift;
            shift += BITS;
            if byte < MORE {
                return number;
            }
        }
    }

    pub(super) fn place(&mut self) -> Place {
        let line = self.number();
        Place { line, column: self.number() }
    }

    /// Where the rest of the text begins.
    pub(super) const fn end(&self) -> usize {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_ones_take_a_character() {
        let length = |number| {
            let mut text = String::new();
            put(&mut text, [number]);
            text.len()
        };
        assert_eq!([0, 63, 64, 4_095, 4_096, u32::MAX].map(length), [1, 1, 2, 2, 3, 6]);
    }

    proptest! {
        #[test]
        fn they_are_read_as_they_were_put(numbers in prop::collection::vec(any::<(u32, u32)>(), 0..8), rest in ".*") {
            let mut text = String::new();
            put(&mut text, numbers.iter().flat_map(|&(line, column)| [line >> (column % 32), column]));
            let end = text.len();
            text.push_str(&rest);
            let mut read = Numbers::of(&text);
            for (line, column) in numbers {
                prop_assert_eq!(read.place(), Place { line: line >> (column % 32), column });
            }
            prop_assert_eq!(read.end(), end);
        }
    }
}
