//! What should be heard and is not.

pub mod canary; //                 a finding by which it is known that findings arrive
pub mod contract_silent; //        a contract that is used no more
pub mod expected_event_missing; // a keeper, relayer or oracle that did not come
