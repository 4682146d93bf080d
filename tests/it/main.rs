//! Integration tests: one binary, a module for each topic.

mod access;
mod check;
mod doors;
mod filesystem_faults;
mod finding_pages;
mod findings;
mod health;
mod http;
mod index;
mod layers;
mod log_faults;
mod log_lines;
mod mass_changes;
mod no_token_leaks;
mod openapi;
mod pattern;
mod providers;
mod readme;
mod registration;
mod registration_verdicts;
mod reload;
mod restart;
mod ruling;
mod slow_clients;
mod support;
mod visible;
