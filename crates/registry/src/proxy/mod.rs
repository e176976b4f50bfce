//! Contracts that run another contract's code: which kind, where the code comes from, who may
//! change it.
//!
//! Nothing here asks a node. [`find`] says what it would have to know and concludes from what it
//! knows; whatever a hostile contract answers, it ends after a bounded number of questions.

mod diamond; //     facets of an ERC-2535 diamond
mod find; //        from code, slots and answers to a kind
mod kind; //        the kinds
mod metamorphic; // code that changed or vanished where code cannot change
mod pattern; //     bytecode that delegates everything to one address
mod safe; //        a Safe's owners, threshold, modules and guard
mod shown; //       the kind by interface and history alone
mod slots; //       storage slots in which proxies keep who is in control

pub use diamond::{FACETS_MAX, Facet, by_selector, facets};
#[cfg(test)]
pub(crate) use find::SELECTORS;
pub use find::{FACETS, Found, IMPLEMENTATION, Look, find};
pub use kind::{Proxy, ProxyKind};
pub use metamorphic::{CodeSeen, Rebirth, RebirthKind, rebirths};
pub use pattern::{delegate_from_code, is_delegation};
pub use safe::{Safe, safe, safe_questions};
pub use shown::{Shown, shown};
pub use slots::{
    AUTHORITY_SLOTS, EIP1822_IMPLEMENTATION, EIP1967_ADMIN, EIP1967_BEACON, EIP1967_IMPLEMENTATION,
    IMPLEMENTATION_SLOTS, SAFE_GUARD, SAFE_SINGLETON, SAFE_SLOTS, ZOS_ADMIN, ZOS_IMPLEMENTATION,
    implementation_from_word,
};
