//! Who is on call: rotations in layers, with overrides.
//!
//! Everything is reckoned on the clock on the wall of a layer's time zone, so that a hand-over at
//! nine stays at nine through daylight saving; a moment belongs to exactly one turn.

mod calendar; // iCalendar in and out
mod coverage; // the map, and the gaps before they happen
mod rotation; // whose turn it is

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};
use model::{Name, UnixMillis};

use crate::hours::{Hours, moment};

pub use calendar::{
    Around, CALENDAR_LEN_MAX, CalendarError, EVENTS_MAX, Imported, Left, read, write,
};
pub use coverage::{COVERAGE_DAYS_MAX, Stretch};
pub use rotation::{PEOPLE_MAX, Rotation, Turn};

/// Layers in a schedule: three continents, each with a weekend layer and a spare, twice.
pub const LAYERS_MAX: usize = 16;

/// Overrides and listed shifts in a schedule: one a day for ten years.
pub const SHIFTS_MAX: usize = 3_650;

/// A stretch of time that is one person's.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Shift {
    /// Begins.
    pub from: UnixMillis,
    /// Ends; not within.
    pub to: UnixMillis,
    /// Whose.
    pub person: Name,
}

impl Shift {
    fn contains(&self, at: UnixMillis) -> bool {
        self.from <= at && at < self.to
    }
}

/// Where a layer's people come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Turns {
    /// They take turns.
    Rotation(Rotation),
    /// Somebody wrote the shifts down, such as an imported calendar. Where two overlap, the one that
    /// began last.
    Listed(Vec<Shift>),
}

/// Part of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// What the user calls it.
    pub name: Name,
    /// Whose clock hand-overs keep to.
    pub zone: TimeZone,
    /// Who.
    pub turns: Turns,
    /// Only within these hours: an office's day in a schedule that follows the sun.
    pub hours: Option<Hours>,
    /// Not after this.
    pub until: Option<UnixMillis>,
}

impl Layer {
    /// Who is on call by this layer alone.
    fn at(&self, at: UnixMillis) -> Option<&Name> {
        let is_over = self.until.is_some_and(|until| at >= until);
        let is_outside = self.hours.as_ref().is_some_and(|hours| !hours.contain(at));
        if is_over || is_outside {
            return None;
        }
        match &self.turns {
            Turns::Rotation(rotation) => rotation.at(&self.zone, moment(at)),
            Turns::Listed(shifts) => listed(shifts, at).map(|(_, shift)| &shift.person),
        }
    }

    /// The moments within `from..to` at which its answer can change.
    fn changes(&self, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        let mut changes = match &self.turns {
            Turns::Rotation(rotation) => rotation.handovers(&self.zone, from, to),
            Turns::Listed(shifts) => ends(shifts),
        };
        if let Some(hours) = &self.hours {
            changes.extend(hours.stretches(from, to).into_iter().flat_map(|(a, b)| [a, b]));
        }
        changes.extend(self.until.map(moment));
        changes
    }
}

/// The shift of a moment: of those that overlap, the one that began last.
fn listed(shifts: &[Shift], at: UnixMillis) -> Option<(usize, &Shift)> {
    let of_moment = shifts.iter().enumerate().filter(|(_, shift)| shift.contains(at));
    of_moment.max_by_key(|(place, shift)| (shift.from, *place))
}

fn ends(shifts: &[Shift]) -> Vec<Timestamp> {
    shifts.iter().flat_map(|shift| [moment(shift.from), moment(shift.to)]).collect()
}

/// Who is on call, at any time.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// What the user calls it.
    pub name: Name,
    /// The last layer that has somebody decides.
    pub layers: Vec<Layer>,
    /// Decide before all layers; of those that overlap, the one that begins last.
    pub overrides: Vec<Shift>,
}

/// Why somebody is on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// An override.
    Override,
    /// A layer.
    Layer(Name),
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Override => f.write_str("override"),
            Self::Layer(name) => write!(f, "layer {name}"),
        }
    }
}

/// What is wrong with a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleFault {
    /// Nobody could ever be on call.
    #[error("schedule {0} has no layers: nobody is ever on call")]
    NoLayers(Name),
    /// Two layers of one name.
    #[error("schedule {schedule} has two layers called {layer}")]
    DuplicateLayer {
        /// Schedule.
        schedule: Name,
        /// Layer.
        layer: Name,
    },
    /// A rotation without people or of no length.
    #[error("schedule {schedule}, layer {layer}: {what}")]
    Rotation {
        /// Schedule.
        schedule: Name,
        /// Layer.
        layer: Name,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A shift that ends before it begins.
    #[error("schedule {schedule}: the shift of {person} ends before it begins")]
    Backwards {
        /// Schedule.
        schedule: Name,
        /// Whose shift.
        person: Name,
    },
    /// More than a schedule may hold.
    #[error("schedule {schedule} has more than {most} {what}")]
    TooMany {
        /// Schedule.
        schedule: Name,
        /// The limit.
        most: usize,
        /// Of what.
        what: &'static str,
    },
}

impl Schedule {
    /// Who is on call at a moment, and why; `None` is a gap.
    pub fn at(&self, at: UnixMillis) -> Option<(&Name, By)> {
        if let Some((_, shift)) = listed(&self.overrides, at) {
            return Some((&shift.person, By::Override));
        }
        let by_layer = |layer: &Layer| By::Layer(layer.name.clone());
        self.layers.iter().rev().find_map(|layer| Some((layer.at(at)?, by_layer(layer))))
    }

    /// Everybody who can ever be on call.
    pub fn people(&self) -> std::collections::BTreeSet<&Name> {
        let of_layers = self.layers.iter().flat_map(|layer| match &layer.turns {
            Turns::Rotation(rotation) => rotation.people.iter().collect::<Vec<_>>(),
            Turns::Listed(shifts) => shifts.iter().map(|shift| &shift.person).collect(),
        });
        of_layers.chain(self.overrides.iter().map(|shift| &shift.person)).collect()
    }

    /// Everything that is wrong with it, apart from gaps: see [`Schedule::gaps`].
    pub fn faults(&self) -> Vec<ScheduleFault> {
        let mut faults = Vec::new();
        let schedule = &self.name;
        let mut too_many = |is: usize, most: usize, what: &'static str| {
            if is > most {
                faults.push(ScheduleFault::TooMany { schedule: schedule.clone(), most, what });
            }
        };
        too_many(self.layers.len(), LAYERS_MAX, "layers");
        too_many(self.overrides.len(), SHIFTS_MAX, "overrides");
        for layer in &self.layers {
            match &layer.turns {
                Turns::Rotation(rotation) => {
                    too_many(rotation.people.len(), PEOPLE_MAX, "people in a rotation");
                }
                Turns::Listed(shifts) => too_many(shifts.len(), SHIFTS_MAX, "shifts in a layer"),
            }
        }
        if self.layers.is_empty() {
            faults.push(ScheduleFault::NoLayers(schedule.clone()));
        }
        let mut backwards = |shifts: &[Shift]| {
            for shift in shifts.iter().filter(|shift| shift.to <= shift.from) {
                let (schedule, person) = (schedule.clone(), shift.person.clone());
                faults.push(ScheduleFault::Backwards { schedule, person });
            }
        };
        backwards(&self.overrides);
        for layer in &self.layers {
            if let Turns::Listed(shifts) = &layer.turns {
                backwards(shifts);
            }
        }
        for (i, layer) in self.layers.iter().enumerate() {
            let (schedule, name) = (schedule.clone(), layer.name.clone());
            if self.layers[..i].iter().any(|other| other.name == layer.name) {
                let (schedule, layer) = (schedule.clone(), name.clone());
                faults.push(ScheduleFault::DuplicateLayer { schedule, layer });
            }
            if let Turns::Rotation(rotation) = &layer.turns
                && let Some(what) = rotation.fault()
            {
                faults.push(ScheduleFault::Rotation { schedule, layer: name, what });
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests;
