//! How the protocol works.

pub mod code_changed; //     other code runs, and nothing said so
pub(crate) mod code_read; // what is read to know what code runs
pub mod parameter_update; // a parameter changed or a change was scheduled
pub mod proxy_upgraded; //   other code runs behind the same address
