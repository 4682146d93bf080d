//! Integration tests: one binary, a module for each topic.

mod http;
mod index;
mod openapi;
mod pattern;
mod ruling;

mod registration;
mod registration_verdicts;
mod support;
