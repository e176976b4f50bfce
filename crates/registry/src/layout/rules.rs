//! The rules about storage and upgrades, as the lints list them.

use crate::lint::{Rule, Severity};

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $value:expr),* $(,)? })*) => {
        $($(#[$doc])* pub static $name: Rule = Rule { $($field: $value),* };)*
        /// All of them, in the order of the documentation.
        pub static RULES: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    /// A field that is gone.
    DELETED {
        id: "layout-deleted",
        what: "A variable of the deployed contract is not in the new one.",
        why: "Its bytes keep their value: whatever the new code puts there starts with it, and what follows may move.",
        severity: Severity::Error,
        help: "keep the variable even if nothing uses it; mark it as unused in its name's comment",
    }
    /// A field that pushes others away.
    INSERTED {
        id: "layout-inserted",
        what: "A new variable lies where an old one was.",
        why: "It begins with the old variable's value, and what came after it is read from other slots.",
        severity: Severity::Error,
        help: "declare new variables after all existing ones, or take their slots from a gap",
    }
    /// A field at another place.
    MOVED {
        id: "layout-moved",
        what: "A variable begins at another slot or byte than in the deployed contract.",
        why: "The new code reads what another variable stored.",
        severity: Severity::Error,
        help: "keep the order of variables and of inherited contracts",
    }
    /// A field with another type.
    RETYPED {
        id: "layout-retyped",
        what: "A variable has a type that reads its stored value as something else.",
        why: "Old values are misread, and writes may destroy a neighbour.",
        severity: Severity::Error,
        help: "keep the type, or add a new variable and migrate the value; `/// @custom:oz-retyped-from OLD` declares a change of equal size on purpose",
    }
    /// A field with another name.
    RENAMED {
        id: "layout-renamed",
        what: "A variable of the same type at the same place has another name.",
        why: "Either it was renamed, which is harmless, or one variable took the place of another, which is not; the layout cannot tell.",
        severity: Severity::Error,
        help: "if it was renamed, say so above it: `/// @custom:oz-renamed-from OLD`, or give --allow-renames",
    }
    /// Reserved space that does not add up.
    GAP {
        id: "layout-gap",
        what: "A storage gap did not shrink by exactly the slots that were put before it.",
        why: "Everything declared after the gap moves, in this contract or in one that inherits it.",
        severity: Severity::Error,
        help: "shrink the gap by the number of slots of the variables added before it, so that it ends where it ended",
    }
    /// Storage that begins elsewhere.
    BASE_SLOT {
        id: "layout-base-slot",
        what: "Ordinary storage begins at another slot (`layout at`).",
        why: "No variable is found where it was stored.",
        severity: Severity::Error,
        help: "keep the base slot of the deployed contract",
    }
    /// A namespace that is gone or has another root.
    NAMESPACE {
        id: "layout-namespace",
        what: "An ERC-7201 namespace of the deployed contract is gone or has another id.",
        why: "Its root is a hash of its id, so nothing that it holds is found again.",
        severity: Severity::Error,
        help: "keep the namespace's id; a new version of a module keeps the storage of the old one",
    }
    /// A place that belongs to the proxy.
    RESERVED_SLOT {
        id: "layout-reserved-slot",
        what: "A namespace, a base slot or a variable covers a slot in which proxies keep their own.",
        why: "Writing the variable replaces the proxy's implementation, admin or beacon.",
        severity: Severity::Error,
        help: "choose another namespace or base slot",
    }
    /// A pointer into old code.
    CODE_POINTER {
        id: "layout-code-pointer",
        what: "A pointer to an internal function is kept in storage.",
        why: "It is an offset into the code that stored it; after an upgrade it points anywhere.",
        severity: Severity::Warning,
        help: "store an enum or a selector and choose the function by it; reset stored pointers in the upgrade",
    }
    /// What bytecode says.
    BYTECODE {
        id: "layout-bytecode",
        what: "Old and new code probably use the same storage as different things (recovered from bytecode).",
        why: "The new code would read what the old code stored as something else.",
        severity: Severity::Error,
        help: "compare the sources: build both with storageLayout and run this again",
    }
    /// No further upgrade.
    NOT_UPGRADEABLE {
        id: "upgrade-bricks",
        what: "The new implementation cannot be upgraded, while the deployed one can.",
        why: "In a UUPS proxy the implementation holds the upgrade function; without it the proxy stays as it is for ever.",
        severity: Severity::Error,
        help: "inherit UUPSUpgradeable, or whatever gave the old implementation proxiableUUID() and upgradeToAndCall",
    }
    /// An end through the implementation.
    SELF_DESTRUCT {
        id: "upgrade-selfdestruct",
        what: "The new implementation can reach SELFDESTRUCT.",
        why: "Run through a proxy it sends away the proxy's whole balance; on the implementation itself it can end every proxy before Cancun.",
        severity: Severity::Error,
        help: "remove it, also from linked libraries",
    }
    /// Other code on this storage.
    DELEGATE_CALL {
        id: "upgrade-delegatecall",
        what: "The new implementation can run other code on its storage in more places than the old one.",
        why: "Whoever chooses that code owns the storage and the balance.",
        severity: Severity::Warning,
        help: "delegate only to fixed, reviewed code; upgradeToAndCall of UUPS is expected",
    }
    /// A constructor that writes the wrong storage.
    CONSTRUCTOR {
        id: "upgrade-constructor",
        what: "A constructor writes state variables.",
        why: "It runs on the implementation's own storage; the proxy never sees what it wrote.",
        severity: Severity::Error,
        help: "set them in an initialiser",
    }
    /// A declaration that writes the wrong storage.
    STATE_INITIALISER {
        id: "upgrade-initial-value",
        what: "A state variable is given a value where it is declared.",
        why: "The value is written by the constructor, so in the proxy the variable is zero.",
        severity: Severity::Error,
        help: "set it in an initialiser, or make it constant",
    }
    /// Values in code.
    IMMUTABLE {
        id: "upgrade-immutable",
        what: "The new implementation has immutable values that the old one has not.",
        why: "They live in code: all proxies of the implementation share them, and a wrong constructor argument changes them silently.",
        severity: Severity::Warning,
        help: "check the constructor arguments of the new implementation against those of the deployed one",
    }
    /// An initialiser that anybody can call again.
    UNGUARDED_INITIALISER {
        id: "upgrade-initialiser-unguarded",
        what: "An initialiser has no modifier that lets it run only once.",
        why: "Anybody can call it again on the proxy and become its owner.",
        severity: Severity::Error,
        help: "give it the modifier `initializer`, or `reinitializer(n)` for the n-th version",
    }
    /// An implementation that anybody can initialise.
    OPEN_INITIALISER {
        id: "upgrade-initialiser-open",
        what: "The implementation itself can be initialised by anybody.",
        why: "Its new owner can make it delegate to code of their own; with SELFDESTRUCT that has ended proxies.",
        severity: Severity::Warning,
        help: "call _disableInitializers() in the constructor",
    }
}
