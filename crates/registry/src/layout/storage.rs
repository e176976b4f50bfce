//! The nouns: a layout, its fields, their types and places.

use std::{collections::BTreeMap, fmt};

use alloy_primitives::{U256, U512};

/// Bytes in one storage slot.
pub const SLOT_BYTES: u64 = 32;

/// Where a contract keeps what, as a compiler or a tool told it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// State variables in the order of their declaration, bases first.
    pub variables: Vec<Field>,
    /// Transient state variables (EIP-1153); they share no bytes with `variables`.
    pub transient: Vec<Field>,
    /// Fields of each namespace by its id, as `erc7201:example.main`. Places are counted from the
    /// namespace's own root.
    pub namespaces: BTreeMap<String, Vec<Field>>,
    /// The slot that `layout at` names, where the file says it.
    pub base_slot: Option<U256>,
    /// What the fields' types are.
    pub types: Types,
    /// Whether the file's form lists namespaces, so that none listed is none there.
    pub lists_namespaces: bool,
    /// What the file did not say and a comparison would have wanted; one sentence each.
    pub unknown: Vec<String>,
}

/// One state variable, member of a struct or member of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The contract that declares it; empty for members of structs.
    pub contract: String,
    /// Its name.
    pub label: String,
    /// Key into [`Types`].
    pub type_id: String,
    /// Where it begins; older layouts tell only the order.
    pub place: Option<Position>,
    /// The former name that its author declares (`@custom:oz-renamed-from`).
    pub renamed_from: Option<String>,
    /// The former type that its author declares (`@custom:oz-retyped-from`).
    pub retyped_from: Option<String>,
    /// `file:line` or what else the layout says of where it is declared.
    pub source: Option<String>,
}

/// Where something begins in storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The slot.
    pub slot: U256,
    /// Bytes from the low-order end of the slot, below [`SLOT_BYTES`].
    pub offset: u8,
}

impl Position {
    /// Bytes from the beginning of storage.
    pub fn bytes(self) -> U512 {
        U512::from(self.slot) * U512::from(SLOT_BYTES) + U512::from(self.offset)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", slot_text(self.slot))?;
        if self.offset > 0 { write!(f, ":{}", self.offset) } else { Ok(()) }
    }
}

/// Small slots as people count them, hashes as hex.
pub fn slot_text(slot: U256) -> String {
    if slot < U256::from(1_u64 << 32) { slot.to_string() } else { format!("{slot:#066x}") }
}

/// The types of a layout by the compiler's id, as `t_mapping(t_address,t_uint256)`. Every id that
/// a field or another type names is here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Types(pub(super) BTreeMap<String, Type>);

/// One type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    /// As the source spells it, as `mapping(address => uint256)`.
    pub label: String,
    /// Bytes in storage, of the head alone for mappings and dynamic arrays.
    pub bytes: Option<U256>,
    /// What it is made of.
    pub shape: Shape,
}

/// What a type is made of; inner types are keys into [`Types`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// `uint256`, `bool`, `address`, `bytes4` …, by its canonical name; also `string` and `bytes`.
    Elementary(String),
    /// A contract or interface: an address in storage.
    Contract,
    /// An enum with the names of its values in order, when the layout tells them.
    Enum(Option<Vec<String>>),
    /// A struct with its members in order, when the layout tells them.
    Struct(Option<Vec<Field>>),
    /// A mapping.
    Mapping {
        /// Type of the key.
        key: String,
        /// Type of the value.
        value: String,
    },
    /// An array; `length` is `None` for one that grows.
    Array {
        /// Type of the elements.
        element: String,
        /// How many elements.
        length: Option<U256>,
    },
    /// `type Name is underlying`, when the layout tells what underlies.
    UserDefined(Option<String>),
    /// A pointer to a function of the same code (`internal`), or an address with a selector.
    Function {
        /// Whether it points into the contract's own code.
        is_internal: bool,
    },
    /// Something this version does not know.
    Unknown,
}

impl Types {
    /// The type with this id.
    pub fn get(&self, id: &str) -> Option<&Type> {
        self.0.get(id)
    }

    /// As the source spells it; the id itself where nothing better is known.
    pub fn label<'a>(&'a self, id: &'a str) -> &'a str {
        self.get(id).map_or(id, |t| t.label.as_str())
    }

    /// The bytes that a field takes, from its first to the one after its last.
    pub fn span(&self, field: &Field) -> Option<Span> {
        let start = field.place?.bytes();
        let bytes = self.get(&field.type_id)?.bytes?;
        Some(Span { start, end: start + U512::from(bytes) })
    }

    /// Whether the field is reserved space: an array of fixed length whose name says so, as `__gap`.
    pub fn is_gap(&self, field: &Field) -> bool {
        let Some(name) = field.label.strip_prefix('_') else { return false };
        let name = name.trim_start_matches('_').to_ascii_lowercase();
        let says_gap = name.strip_prefix("gap").is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with('_')
                || rest.starts_with(|c: char| c.is_ascii_digit())
        });
        says_gap
            && matches!(
                self.get(&field.type_id),
                Some(Type { shape: Shape::Array { length: Some(_), .. }, .. })
            )
    }
}

/// A stretch of storage in bytes: `start` is in it, `end` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: U512,
    /// The byte after the last.
    pub end: U512,
}

impl Span {
    /// Whether they share a byte.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The first slot after it, as bytes: nothing of another array or struct begins before.
    pub fn end_of_slot(self) -> U512 {
        let slot = U512::from(SLOT_BYTES);
        self.end.div_ceil(slot) * slot
    }
}

impl Layout {
    /// Whether it says nothing of storage at all, which most often means a library or an interface.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.transient.is_empty() && self.namespaces.is_empty()
    }
}
