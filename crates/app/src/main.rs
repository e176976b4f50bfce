//! `bellwether`: see `bellwether --help`.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // One TLS provider for everything; a second installation would mean that somebody else chose.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return ExitCode::from(2);
    }
    bellwether::commands::Cli::parse().run()
}
