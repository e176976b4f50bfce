//! Bellwether, the program: configuration, pipeline, receivers, API, pages, commands.

pub mod chart; //    SVG for pages, mails and reports
pub mod clock; //    the machine's clock, read only here
pub mod commands; // what a person types
pub mod config; //   the user's folder of TOML files
pub mod init; //     from what a team has to a folder that works
pub mod logging; //  structured, on standard error
pub mod mail_sink; // a mailbox on loopback, for the demo
pub mod notify; //   from the outbox to people
pub mod pipeline; // from a block to an alert: read this first
pub mod terminal; // speaking to the person at the terminal
