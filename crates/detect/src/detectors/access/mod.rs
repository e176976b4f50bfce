//! Who may do something.

pub mod authority_drift; // who holds what is not what the policy says
pub mod role_change; //     a role, owner, admin, signer or module changed
pub(crate) mod watched; //  what is remembered of who holds what
