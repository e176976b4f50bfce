//! The only code that speaks to EVM nodes: sources, verification, reorgs, failover.
