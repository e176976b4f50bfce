//! Who is on the other side.

pub mod known_bad_address; // an address from a list
