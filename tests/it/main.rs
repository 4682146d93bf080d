//! Integration tests: one binary, a module for each topic.

mod index;
mod pattern;
mod ruling;

mod registration;
mod registration_verdicts;
