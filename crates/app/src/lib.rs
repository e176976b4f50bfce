//! Bellwether, the program: configuration, pipeline, receivers, API, pages, commands.

pub mod chart; //  SVG for pages, mails and reports
pub mod config; // the user's folder of TOML files
pub mod notify; // from the outbox to people
