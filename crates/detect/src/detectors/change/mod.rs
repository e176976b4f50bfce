//! How the protocol works.

pub mod parameter_update; // a parameter changed or a change was scheduled
pub mod proxy_upgraded; //   other code runs behind the same address
