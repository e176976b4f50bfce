//! The store from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod answers; //     answers to messages: once each
mod canaries; //    few are kept, none is counted
mod event_log; //   one contract, every implementation
mod feedback; //    what people said: the last word holds, every word stays
mod file; //        the database file: modes, locks, reopening, backup, damage
mod ledger; //      ranges against an account of every block
mod outbox; //      messages on their way
mod paging; //      the pager's inbox, its memory, what follows
mod public; // what everybody hears
mod receiver_tests; // whether receivers can be reached
mod records; //     lists, pages, summaries
mod retention; //   what goes with age, what never does
mod seen; //        what a store says, and a model of it
mod series; //      points and buckets
mod size; //        what the ledger costs
mod steps; //       one atomic step, and laws over many
mod twins; //       another installation that tells the same people
mod world; //       a small chain with forks
