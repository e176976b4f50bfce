//! Gas, failures and rates against their own past.

pub mod bursts; //            how often one account calls within a minute
pub mod call_rate_unusual; // more calls than usual
pub mod calls_in_quick_succession; // one caller, one function, again and again
pub mod failed_calls_rise; // a larger share of calls fails than usual
pub mod gas_unusual; //       gas per call moved or scatters
pub mod series; //            what the three have in common
