//! Bellwether, the program: configuration, pipeline, receivers, API, pages, commands.

pub mod config; // the user's folder of TOML files
