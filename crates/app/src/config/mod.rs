//! The user's folder of TOML files: read, checked whole, turned into what the program runs on.
//!
//! Three steps, three types: files (`Folder`, the only place that touches disk and environment) →
//! validated configuration ([`Config`], pure) → running parts (elsewhere). Every mistake of every
//! file is reported at once, each with file, line and what is allowed.

mod mistake; // how a mistake is shown
mod table; //   reading TOML key by key

pub use mistake::{Mistake, Mistakes, SourceFile, nearest};
pub use table::{Collector, Located, Table, parse_address, parse_duration_ms};
