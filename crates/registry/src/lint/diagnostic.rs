//! What was found, where.

use std::cmp::Reverse;

use super::{Rule, Severity};

/// Most places one diagnostic carries; a signature shared by thousands of contracts needs no
/// thousand lines to be found. The rest is counted in [`Diagnostic::more_places`].
pub const PLACES_MAX: usize = 12;

/// One place that a diagnostic is about. All parts are optional but one should be there.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// File, as the user would type it.
    pub file: Option<String>,
    /// Line, counted from 1.
    pub line: Option<u32>,
    /// Column in characters, counted from 1.
    pub column: Option<u32>,
    /// Name of the contract, or the user's label for it.
    pub contract: Option<String>,
    /// Function, event, error or variable, as its source spells it.
    pub item: Option<String>,
    /// Selector, topic or interface id, as hex with `0x`.
    pub selector: Option<String>,
    /// Storage slot, as its layout spells it.
    pub slot: Option<String>,
    /// What this place has to do with it: "answers first", "here it is the third field".
    pub says: Option<String>,
}

impl Place {
    /// A contract as a whole.
    pub fn contract(file: impl Into<String>, contract: impl Into<String>) -> Self {
        Self { file: Some(file.into()), contract: Some(contract.into()), ..Self::default() }
    }

    /// A file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: Some(file.into()), ..Self::default() }
    }

    /// The same place, at an item of the contract.
    #[must_use]
    pub fn item(mut self, item: impl Into<String>) -> Self {
        self.item = Some(item.into());
        self
    }

    /// The same place, saying what it has to do with the finding.
    #[must_use]
    pub fn says(mut self, says: impl Into<String>) -> Self {
        self.says = Some(says.into());
        self
    }

    /// `contract.item`, or as much of it as is known.
    pub fn subject(&self) -> String {
        match (&self.contract, &self.item) {
            (Some(contract), Some(item)) => format!("{contract}.{item}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => self.file.clone().unwrap_or_default(),
        }
    }
}

/// One thing that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// How much this one matters.
    pub severity: Severity,
    /// What is wrong, naming what is concerned; one line.
    pub message: String,
    /// Where, the most important place first; at most [`PLACES_MAX`].
    pub places: Vec<Place>,
    /// How many further places there are.
    pub more_places: usize,
    /// What else a reader should know, one line each.
    pub notes: Vec<String>,
    /// What to do about it; the rule's own advice unless this one knows better.
    pub help: String,
}

impl Diagnostic {
    /// A finding with the rule's own severity and advice.
    pub fn new(rule: &'static Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            message: message.into(),
            places: Vec::new(),
            more_places: 0,
            notes: Vec::new(),
            help: rule.help.to_owned(),
        }
    }

    /// The same finding, counting otherwise.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same finding at one more place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.add_place(place);
        self
    }

    /// The same finding at these places, in their order.
    #[must_use]
    pub fn at_all(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        places.into_iter().for_each(|place| self.add_place(place));
        self
    }

    fn add_place(&mut self, place: Place) {
        if self.places.len() < PLACES_MAX {
            self.places.push(place);
        } else {
            self.more_places += 1;
        }
    }

    /// The same finding with one more note.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same finding with advice of its own.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// Something that could not be judged, so that its silence is not taken for health.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// What.
    pub place: Place,
    /// Why.
    pub reason: String,
}

/// Everything that one run of lints found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Findings; after [`Report::sort`] the gravest first.
    pub diagnostics: Vec<Diagnostic>,
    /// What could not be judged.
    pub left_out: Vec<LeftOut>,
    /// Findings that a waiver accepts, with the waiver's reason.
    pub waived: Vec<(Diagnostic, String)>,
    /// How many things (contracts, functions, layouts) were judged.
    pub judged: usize,
}

impl Report {
    /// Takes over all that another run found.
    pub fn extend(&mut self, other: Self) {
        self.diagnostics.extend(other.diagnostics);
        self.left_out.extend(other.left_out);
        self.waived.extend(other.waived);
        self.judged += other.judged;
    }

    /// Gravest first; within one severity by rule and place, so that two runs print the same.
    pub fn sort(&mut self) {
        self.diagnostics.sort_by(|a, b| {
            let key = |d: &Diagnostic| (Reverse(d.severity), d.rule.id);
            key(a)
                .cmp(&key(b))
                .then_with(|| a.places.cmp(&b.places))
                .then(a.message.cmp(&b.message))
        });
        self.left_out.sort();
    }

    /// How many findings count as exactly this.
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }

    /// The gravest severity found.
    pub fn worst(&self) -> Option<Severity> {
        self.diagnostics.iter().map(|d| d.severity).max()
    }
}
