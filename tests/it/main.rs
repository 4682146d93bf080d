//! Integration tests: one binary, a module for each topic.

mod ruling;

mod registration;
mod registration_verdicts;
