//! What people may be told: what is real, and drills. Never a canary.
//!
//! A message to anybody is made of [`Tellable`] and nothing else. It can not be made of a canary, and
//! nobody outside this module can make one otherwise: so a canary that took a wrong turn is not put
//! into words that somebody could hear.
//!
//! ```
//! use bellwether_alert::Tellable;
//!
//! fn words(told: &Tellable) -> String {
//!     told.alert().title().to_owned()
//! }
//! ```
//!
//! An alert that nobody looked at is not what it takes:
//!
//! ```compile_fail,E0308
//! use bellwether_alert::Tellable;
//!
//! fn words(told: &Tellable) -> String {
//!     told.alert().title().to_owned()
//! }
//!
//! fn tell_of_a_canary(canary: model::Alert) -> String {
//!     words(&canary)
//! }
//! ```
//!
//! and nobody can pretend to have looked:
//!
//! ```compile_fail,E0423
//! use bellwether_alert::Tellable;
//!
//! fn pretend(canary: model::Alert) -> Tellable {
//!     Tellable(canary)
//! }
//! ```

use model::{Alert, Provenance};

/// An alert that people may be told of; see the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Tellable(Alert);

/// Why people may not be told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is a canary, which is for nobody")]
pub struct NotTellable;

impl Tellable {
    /// The alert, if people may be told of it.
    ///
    /// # Errors
    /// [`NotTellable`] for a canary.
    pub fn of(alert: Alert) -> Result<Self, NotTellable> {
        match alert.provenance() {
            Provenance::Live | Provenance::Drill { .. } => Ok(Self(alert)),
            Provenance::Canary => Err(NotTellable),
        }
    }

    /// The alert.
    pub fn alert(&self) -> &Alert {
        &self.0
    }

    /// The alert, to be put into words.
    pub fn into_alert(self) -> Alert {
        self.0
    }
}
