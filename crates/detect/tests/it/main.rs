//! Stories on a small chain, and laws that hold on any.
#![allow(clippy::unwrap_used, reason = "a story whose setting is impossible should stop at once")]

mod cases; //    a firing and a quiet case of every detector
mod chain; //    blocks to tell stories with
mod charts; //   false and true alarms, with dice
mod engine; //   coverage, isolation, order, late blocks
mod laws; //     forks, restarts and batches change nothing
mod ledger; //   what monitors tell the ledger, and its holes
mod monitors; // expressions, and mistakes in monitors
mod paths; //    fingerprints of calls
mod telemetry; // gas, failures and rates over days
