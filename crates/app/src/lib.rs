//! Bellwether, the program: configuration, pipeline, receivers, API, pages, commands.

// pub mod api; //       read-only JSON
pub mod chart; //     SVG for pages, mails and reports
pub mod clock; //     the machine's clock, read only here
pub mod commands; //  what a person types
pub mod config; //    the user's folder of TOML files
// pub mod demo; //      a protocol, its traffic and its attacks, watched
// pub mod health; //    from what followers and judges say to what pages show
pub mod init; //      from what a team has to a folder that works
pub mod logging; //   structured, on standard error
pub mod mail_sink; // a mailbox for the demonstration
// pub mod metrics; //   for Prometheus
pub mod notify; //    from the outbox to people
pub mod pipeline; //  from a block to an alert: read this first
pub mod replay; //    judging blocks that are past
// pub mod server; //    pipeline and pages, started and stopped together
// pub mod snapshot; //  one truth for page, API, metrics and health
pub mod terminal; //  speaking to the person at the terminal
// pub mod web; //       pages
