//! The store from outside.

mod event_log; //   one contract, every implementation
mod file; //        the database file: modes, locks, reopening, backup, damage
mod outbox; //      messages on their way
mod records; //     lists, pages, summaries
mod series; //      points and buckets
mod steps; //       one atomic step, and laws over many
mod world; //       a small chain with forks, and a model of the store
