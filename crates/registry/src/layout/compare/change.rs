//! What a comparison says: one change per field, how grave it is, and why.

use std::fmt;

use alloy_primitives::U256;

use crate::layout::storage::Field;

/// What happened to a field, or to where it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It is gone; what it held stays in storage and the next to use the bytes reads it.
    Deleted,
    /// A new field lies on bytes of an old one, or before one.
    Inserted,
    /// A new field after all old ones, in padding or in a gap.
    Appended,
    /// It has another name at the same place.
    Renamed,
    /// It has another type.
    Retyped,
    /// It has another name and another type.
    Replaced,
    /// It begins elsewhere.
    Moved,
    /// It stands in another order than before.
    Reordered,
    /// Reserved space that is not what the insertions before it left.
    GapResized,
    /// The whole of ordinary storage begins elsewhere (`layout at`).
    BaseMoved,
    /// A namespace is gone.
    NamespaceDeleted,
    /// A namespace has another id, thus another root, and the same fields.
    NamespaceMoved,
    /// A namespace that was not there.
    NamespaceAdded,
}

/// How grave a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gravity {
    /// Nothing that is stored reads differently.
    Fine,
    /// Nothing moves, but a person should look.
    Careful,
    /// What the old code stored, the new code reads as something else.
    Breaks,
}

/// Which storage a change is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Region {
    /// Ordinary storage.
    Storage,
    /// Transient storage.
    Transient,
    /// A namespace, by id.
    Namespace(String),
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: Kind,
    /// How grave that is.
    pub gravity: Gravity,
    /// Where.
    pub region: Region,
    /// Where it is now, when that is another region.
    pub moved_to: Option<Region>,
    /// The field as it was.
    pub before: Option<Field>,
    /// The field as it is.
    pub after: Option<Field>,
    /// What exactly differs.
    pub why: Vec<Why>,
}

/// What exactly differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Types of different nature or encoding.
    OtherType {
        /// As it was.
        before: String,
        /// As it is.
        after: String,
    },
    /// A value takes another number of bytes.
    OtherSize {
        /// Bytes before.
        before: U256,
        /// Bytes after.
        after: U256,
    },
    /// An array of fixed length has another length.
    OtherLength {
        /// Elements before.
        before: U256,
        /// Elements after.
        after: U256,
    },
    /// A value's bytes are put into a key's word from the other end.
    OtherPadding,
    /// Values of an enum are not what they were.
    EnumValues {
        /// The enum.
        name: String,
        /// The first value that differs, as it was; `None` when the new one has more.
        before: Option<String>,
        /// As it is; `None` when it is gone.
        after: Option<String>,
    },
    /// Inside a struct.
    InStruct {
        /// The struct.
        name: String,
        /// What changed there.
        changes: Vec<Change>,
    },
    /// Inside a mapping's key, a mapping's value or an array's element.
    Inside {
        /// `"key"`, `"value"` or `"element"`.
        part: &'static str,
        /// Of which type.
        of: String,
        /// What differs there.
        why: Vec<Why>,
    },
    /// The author's `retyped-from` or `renamed-from` does not name what it was.
    AnnotationIsWrong {
        /// What is written.
        says: String,
        /// What it was.
        was: String,
    },
    /// The author says that the type changed on purpose.
    Annotated,
    /// A user-defined type whose values look the same.
    SameEncoding {
        /// As it was.
        before: String,
        /// As it is.
        after: String,
    },
    /// What the file does not tell.
    NotTold(String),
    /// Reserved space that ends in another slot: the difference in slots, positive when later.
    GapEnds {
        /// How many slots later (or earlier) it ends.
        slots: String,
    },
    /// Reserved space that begins earlier than it did.
    GapGrew,
    /// Reserved space that nothing fills any more.
    GapUnfilled,
    /// A struct that is neighboured by others grows.
    NoRoom,
    /// The namespace that it lives in now.
    NowIn(String),
}

impl Why {
    /// Whether it says that something could not be told rather than what differs.
    pub fn is_not_told(&self) -> bool {
        match self {
            Self::NotTold(_) => true,
            Self::Inside { why, .. } => why.iter().all(Self::is_not_told),
            Self::InStruct { changes, .. } => {
                changes.iter().all(|c| !c.why.is_empty() && c.why.iter().all(Self::is_not_told))
            }
            _ => false,
        }
    }

    /// One line per fact, the inner ones after the outer.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.write(&mut lines);
        lines
    }

    fn write(&self, lines: &mut Vec<String>) {
        match self {
            Self::Inside { part, of, why } => {
                lines.push(format!("in the {part} of {of}:"));
                why.iter().for_each(|why| why.write(lines));
            }
            Self::InStruct { name, changes } => {
                for change in changes {
                    lines.push(format!("in {name}: {}", change.in_words()));
                    change.why.iter().for_each(|why| why.write(lines));
                }
            }
            other => lines.push(other.to_string()),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherType { before, after } => {
                write!(f, "what was stored as {before} would be read as {after}")
            }
            Self::OtherSize { before, after } => {
                write!(f, "a value takes {after} bytes, it took {before}")
            }
            Self::OtherLength { before, after } => {
                write!(f, "it has {after} elements, it had {before}")
            }
            Self::OtherPadding => f.write_str(
                "keys of it are hashed with their zeros at the other end, so old entries are not found",
            ),
            Self::EnumValues { name, before, after } => match (before, after) {
                (Some(b), Some(a)) => write!(f, "in {name}, the number of {b} now means {a}"),
                (Some(b), None) => write!(f, "in {name}, {b} is gone and its number means nothing"),
                (None, Some(a)) => write!(f, "in {name}, {a} is new"),
                (None, None) => write!(f, "{name} differs"),
            },
            Self::InStruct { name, .. } => write!(f, "inside {name}"),
            Self::Inside { part, of, .. } => write!(f, "in the {part} of {of}"),
            Self::AnnotationIsWrong { says, was } => {
                write!(f, "it is declared to have been {says}, but it was {was}")
            }
            Self::Annotated => f.write_str("its author declares that this change is intended"),
            Self::SameEncoding { before, after } => {
                write!(f, "{before} and {after} are stored alike; only the meaning may differ")
            }
            Self::NotTold(what) => f.write_str(what),
            Self::GapEnds { slots } => write!(
                f,
                "the gap ends {slots}; it must shrink by exactly the slots that are put before it"
            ),
            Self::GapGrew => f.write_str("the gap takes slots that held something else"),
            Self::GapUnfilled => {
                f.write_str("nothing fills the gap to its end, so whatever follows moves up")
            }
            Self::NoRoom => f.write_str(
                "it grows where something else follows; only the value of a mapping may grow",
            ),
            Self::NowIn(namespace) => write!(
                f,
                "a field of this name is in the namespace {namespace} now, but what is stored does not move with it"
            ),
        }
    }
}

impl Change {
    /// What happened, in one clause that names the field.
    pub fn in_words(&self) -> String {
        let name = |field: &Option<Field>| match field {
            Some(field) => format!("`{}`", field.label),
            None => "it".to_owned(),
        };
        let (before, after) = (name(&self.before), name(&self.after));
        match self.kind {
            Kind::Deleted => format!("{before} is deleted"),
            Kind::Inserted => format!("{after} is inserted"),
            Kind::Appended => format!("{after} is added"),
            Kind::Renamed => format!("{before} is renamed to {after}"),
            Kind::Retyped => format!("{after} has another type"),
            Kind::Replaced => format!("{before} is replaced by {after}"),
            Kind::Moved => format!("{after} moves"),
            Kind::Reordered => format!("{after} stands in another order"),
            Kind::GapResized => format!("{before} is resized"),
            Kind::BaseMoved => "all of ordinary storage begins elsewhere".to_owned(),
            Kind::NamespaceDeleted => format!("the namespace {} is deleted", self.region),
            Kind::NamespaceMoved => match &self.moved_to {
                Some(region) => format!("the namespace {} is {region} now", self.region),
                None => format!("the namespace {} has another id", self.region),
            },
            Kind::NamespaceAdded => format!("the namespace {} is added", self.region),
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage => f.write_str("storage"),
            Self::Transient => f.write_str("transient storage"),
            Self::Namespace(id) => f.write_str(id),
        }
    }
}
