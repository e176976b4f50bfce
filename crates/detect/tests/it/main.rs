//! Stories on a small chain, and laws that hold on any.
#![allow(clippy::unwrap_used, reason = "a story whose setting is impossible should stop at once")]

mod calibration; // limits from innocent observations keep their promise
mod cases; //    a firing and a quiet case of every detector
mod chain; //    blocks to tell stories with
mod charts; //   false and true alarms, with dice
mod dice; //     numbers of known distributions
mod engine; //   coverage, isolation, order, late blocks
mod laws; //     forks, restarts and batches change nothing
mod ledger; //   what monitors tell the ledger, and its holes
mod mining; //   invariants out of the past
mod monitors; // expressions, and mistakes in monitors
mod outflows; // amounts that leave, simulated: found, and false alarms
mod paths; //    fingerprints of calls
mod series; //   any series: what is found, false alarms, state
mod telemetry; // gas, failures and rates over days
mod worth; //    counts on simulated traffic: found, and false alarms
