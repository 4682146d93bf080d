//! Integration tests: one binary, a module for each topic.

mod access;
mod canary;
mod check;
mod findings;
mod http;
mod index;
mod openapi;
mod pattern;
mod readme;
mod registration;
mod registration_verdicts;
mod reload;
mod restart;
mod ruling;
mod support;
