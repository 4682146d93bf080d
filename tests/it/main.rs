//! Integration tests: one binary, a module for each topic.

mod access;
mod canary;
mod check;
mod filesystem_faults;
mod findings;
mod health;
mod http;
mod index;
mod limits;
mod mass_changes;
mod openapi;
mod pattern;
mod readme;
mod registration;
mod registration_verdicts;
mod reload;
mod restart;
mod ruling;
mod support;
