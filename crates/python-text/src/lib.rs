//! What CPython 3.11 calls a digit, a space and a letter, what `int()` reads and what `repr()` writes.
//!
//! Two languages are read here by Python's rules, those of `re` and of PyYAML, and both lean on the same few facts of
//! `str`. Rust's standard library answers the same questions by another version of Unicode and by other definitions
//! (`char::is_alphabetic` is Unicode's *Alphabetic*, `str.isalpha` the letter categories: `U+0365` is one and not the
//! other), so the facts are tables here, written by `oracle/tables.py` from the running interpreter. CPython 3.11 has
//! Unicode 14.0.
//!
//! ```
//! use python_text::{DECIMAL, LETTER, Base, int, repr};
//!
//! assert!(DECIMAL.contains('٣') && !DECIMAL.contains('³'));
//! assert!(!LETTER.contains('\u{365}'));
//! assert_eq!(int("\u{2000}-٣_4 ", Base::Ten).map(|number| number.small()), Ok(Some(-34)));
//! assert_eq!(repr(r"it's \d"), r#""it's \\d""#);
//! ```

mod characters;
mod digit;
mod int;
mod repr;
mod tables;

pub use characters::{Characters, DECIMAL, LETTER, LETTER_OR_NUMBER, PRINTABLE, SPACE};
pub use digit::{decimal_value, number_text};
pub use int::{Base, IntError, Integer, MAX_DIGITS, int};
pub use repr::repr;
