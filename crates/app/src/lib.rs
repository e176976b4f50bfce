//! Bellwether, the program: configuration, pipeline, receivers, API, pages, commands.

pub mod answers; //   what people answer to messages, from any side
pub mod api; //       the same facts as the pages, as JSON with stable shapes
pub mod attacks; //  alerts that belong together
pub mod authority; // who holds what on live chains, for people to hold against a policy
pub mod backtest; //  what monitors would have said of the past
mod blocking; //      blocking work, where it may block
pub mod canary; //    whether the path to people works, tried without them
pub mod chart; //     SVG for pages, mails and reports
pub mod clock; //     the machine's clock, read only here
pub mod commands; //  what a person types
pub mod community; // what everybody may hear
pub mod config; //    the user's folder of TOML files
pub mod coverage; //  what must be watched, what was, and what is missing
pub mod demo; //      a protocol, its traffic and its attacks, watched
pub mod dependencies; // what ours rely on, found on live chains
pub mod dossier; //   everything about one address in one place
pub mod drills; //    people practise on the path that the real thing takes
pub mod export; //    what is guarded, as a document for others
pub mod fatigue; //  how much people bear, and what to tune first
pub mod feedback; // what people say of alerts, and how good detection is
pub mod gaps; //      the time before deployments were watched
pub mod health; //    from what followers and judges say to what pages show
pub mod import; //    what a team brings along from other tools
pub mod init; //      from what a team has to a folder that works
pub mod lint; //      what lints found, as people and programs read it
pub mod logging; //   structured, on standard error
pub mod mail_sink; // a mailbox for the demonstration
mod mailbox; //       that mailbox as the pages show it
pub mod metrics; //   what Prometheus scrapes
pub mod notify; //    from the outbox to people
pub mod outside; //   detectors that are not ours
pub mod paging; //    who hears what, until somebody is on it
pub mod paths; //     what was taught about paths through contracts
pub mod pipeline; //  from a block to an alert: read this first
pub mod pulse; //     the watcher is watched: its own health, and who notices when it dies
pub mod replay; //    judging blocks that are past
pub mod reports; //   what other systems report, on the way of every alert
pub mod routing; //   where alerts would go, why, and what is wrong with a plan
pub mod safe_queue; // what waits to be signed, as the Safe transaction service tells it
pub mod series_file; // a series as people have it: moments and values
pub mod server; //    pipeline and pages, started and stopped together
pub mod signature; // documents that others can check
pub mod snapshot; //  the state of everything at one moment, and whether it can be trusted
pub mod terminal; //  speaking to the person at the terminal
pub mod trace_file; // call trees from files
pub mod tune; //      thresholds for a budget of false alarms
pub mod twin; //      another installation that tells the same people
pub mod web; //       pages, server-sent events
mod words; //         numbers, moments and measurements as people say them
