//! Integration tests: one binary, a module for each topic.

mod access;
mod burst;
mod canary;
mod check;
mod findings;
mod hardship;
mod health;
mod http;
mod index;
mod limits;
mod openapi;
mod pattern;
mod readme;
mod registration;
mod registration_verdicts;
mod reload;
mod restart;
mod ruling;
mod support;
