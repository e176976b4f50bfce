//! What is deployed, by whom.

pub mod created; //         a contract appeared, planned or not
pub mod lifecycle_moved; // a deployment is in another stage of its life
pub mod lookalike; //       somebody else deployed our code
pub(super) mod maker; //               who of us created something
