//! Money that leaves.

pub mod outflow_exceeds_share; // too large a share of what is there
