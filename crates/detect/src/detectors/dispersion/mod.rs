//! Few where there should be many.

pub mod share_crossed; // one entity, or a few, hold enough to stop or decide alone
