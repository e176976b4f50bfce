//! Who may do something.

pub mod role_change; // a role, owner, admin, signer or module changed
