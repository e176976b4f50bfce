//! Logs: structured, on standard error, without secrets (which cannot be printed at all).

use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` decides when it is set; otherwise warnings, and more with `-v`.
pub fn start(verbosity: u8) {
    let default = match verbosity {
        0 => "warn",
        1 => "info,hyper=warn,reqwest=warn",
        _ => "debug,hyper=info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A test may have started logging already; the first one stays.
    if subscriber.try_init().is_err() {
        tracing::debug!("logging was started before");
    }
}
