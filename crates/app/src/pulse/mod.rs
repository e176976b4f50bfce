//! The watcher is watched: its own vital signs, and somebody outside who notices when they end.
//!
//! ```text
//!   clocks, certificates of whom we ask ─┐
//!   free disk space ─────────────────────┤► Vitals ──► reasons in the snapshot (page, API, metrics)
//!   other Bellwethers' heartbeats ───────┘      │
//!                                               ▼
//!   snapshot: is every network judged, do messages leave? ── yes ──► ping the dead-man's switch
//!                                                          └─ no ──► no ping; the other address
//! ```
//!
//! A dead-man's switch works by silence: it is pinged only while the program can say that it does
//! its job, so a process that lives and is blind goes unpinged like one that is dead.

mod disk; //      room for the store
mod heartbeat; // what this installation says of itself, signed
mod peer; //      what another installation says of itself
mod ping; //      the switch outside
mod probe; //     clocks and certificates of those we ask
mod settings; //  what people configure
mod vitals; //    everything known, and what is wrong with it
mod watch; //     the task

pub use disk::Disk;
pub use heartbeat::{HEARTBEAT_TYPE, Head, Heartbeat};
pub use peer::{Disagreement, PeerState, disagreements};
pub use ping::PingState;
pub use probe::{Certificate, ClockReading};
pub use settings::{PeerSettings, PingSettings, Settings, TwinSettings};
pub use vitals::Vitals;
pub(crate) use watch::keep;

#[cfg(test)]
mod tests;
