//! What came of an import, in words a person can check.

use serde::Serialize;

/// Files for our folder, and the report about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// Path relative to the folder, and content.
    pub files: Vec<(String, String)>,
    /// What was taken and what was not.
    pub report: Report,
}

/// What was taken, what was not, and what will be different.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What is ours now.
    pub taken: Vec<Taken>,
    /// What is not, each with the reason and what to do instead.
    pub not_taken: Vec<Item>,
    /// What was there already, each with what it is called here.
    pub known: Vec<Item>,
    /// What was seen and rightly not taken: it failed, was never sent, or is something else.
    pub passed_over: Vec<Item>,
    /// Where our answer will differ from theirs, each with the reason.
    pub differs: Vec<Item>,
    /// What a person has to do before it runs.
    pub to_do: Vec<String>,
}

/// Something that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// What it is there: `monitor "Large transfer"`.
    pub what: String,
    /// What it is here: `monitors/large-transfer.toml`.
    pub r#as: String,
}

/// Something with a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is there.
    pub what: String,
    /// The reason, and what to do about it where something can be done.
    pub why: String,
}

impl Report {
    /// Notes what was taken.
    pub fn take(&mut self, what: impl Into<String>, r#as: impl Into<String>) {
        self.taken.push(Taken { what: what.into(), r#as: r#as.into() });
    }

    /// Notes what was not taken. The same reason for the same thing is said once.
    pub fn leave(&mut self, what: impl Into<String>, why: impl Into<String>) {
        push_new(&mut self.not_taken, Item { what: what.into(), why: why.into() });
    }

    /// Notes what is here already. The same thing is said once.
    pub fn known(&mut self, what: impl Into<String>, r#as: impl Into<String>) {
        push_new(&mut self.known, Item { what: what.into(), why: r#as.into() });
    }

    /// Notes what was seen and rightly not taken. The same thing is said once.
    pub fn pass_over(&mut self, what: impl Into<String>, why: impl Into<String>) {
        push_new(&mut self.passed_over, Item { what: what.into(), why: why.into() });
    }

    /// Notes a difference. The same one is said once.
    pub fn differ(&mut self, what: impl Into<String>, why: impl Into<String>) {
        push_new(&mut self.differs, Item { what: what.into(), why: why.into() });
    }

    /// Notes what a person has to do. The same thing is said once.
    pub fn ask(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.to_do.contains(&what) {
            self.to_do.push(what);
        }
    }

    /// Whether everything was taken that should have been.
    pub fn is_whole(&self) -> bool {
        self.not_taken.is_empty()
    }
}

fn push_new(items: &mut Vec<Item>, item: Item) {
    if !items.contains(&item) {
        items.push(item);
    }
}
