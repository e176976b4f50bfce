//! What is real, and so may be shown to everybody.
//!
//! A public channel — a feed, a page without a login, a channel that anybody may join — takes
//! [`Publishable`] and nothing else. It can only be made of an alert that is real and that a chain
//! tells of, and nobody outside this module can make one otherwise. So a drill, or what our users'
//! other systems report, cannot be published by mistake: the program that does it does not compile.
//!
//! What a public channel is written like:
//!
//! ```
//! use bellwether_alert::public::Publishable;
//!
//! fn publish(shown: &Publishable) -> String {
//!     shown.alert().title().to_owned()
//! }
//! ```
//!
//! An alert that nobody looked at is not what it takes:
//!
//! ```compile_fail,E0308
//! use bellwether_alert::public::Publishable;
//!
//! fn publish(shown: &Publishable) -> String {
//!     shown.alert().title().to_owned()
//! }
//!
//! fn tell_of_a_drill(drill: model::Alert) -> String {
//!     publish(&drill)
//! }
//! ```
//!
//! and nobody can pretend to have looked:
//!
//! ```compile_fail,E0423
//! use bellwether_alert::public::Publishable;
//!
//! fn pretend(drill: model::Alert) -> Publishable {
//!     Publishable(drill)
//! }
//! ```
//!
//! nor swap what was looked at for something else:
//!
//! ```compile_fail,E0616
//! use bellwether_alert::public::Publishable;
//!
//! fn swap(shown: &mut Publishable, drill: model::Alert) {
//!     shown.0 = drill;
//! }
//! ```

use model::{Alert, Cause, Finding, Name, Provenance, Source};

/// An alert that is real; see the module.
///
/// Deliberately without `Deserialize` and without a way to change it: what is in it went through
/// [`Publishable::of`].
#[derive(Debug, Clone, PartialEq)]
pub struct Publishable(Alert);

/// Why an alert may not be shown to everybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPublic {
    /// People would take it for real.
    #[error("drill {0} may not be published: nothing of it happened")]
    Drill(Name),
    /// What our users' other systems say is theirs.
    #[error("what {0} reports may not be published: no chain says so")]
    Reported(Source),
    /// It is about the program itself, and for nobody.
    #[error("a canary is told to nobody")]
    Canary,
}

impl Publishable {
    /// The alert, if it may be shown to everybody.
    ///
    /// # Errors
    /// [`NotPublic`].
    pub fn of(alert: Alert) -> Result<Self, NotPublic> {
        match (&alert.cause, alert.provenance()) {
            (Cause::Reported(report), _) => Err(NotPublic::Reported(report.source.clone())),
            (Cause::Found(_), Provenance::Drill { drill }) => Err(NotPublic::Drill(drill)),
            (Cause::Found(_), Provenance::Canary) => Err(NotPublic::Canary),
            (Cause::Found(_), Provenance::Live) => Ok(Self(alert)),
        }
    }

    /// What the chain says.
    pub fn finding(&self) -> &Finding {
        self.0.finding().expect("nothing else is publishable, see `of`")
    }

    /// The alert.
    pub fn alert(&self) -> &Alert {
        &self.0
    }
}
