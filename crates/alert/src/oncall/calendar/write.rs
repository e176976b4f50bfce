//! The map as a calendar.

use jiff::tz::TimeZone;
use model::{Name, UnixMillis};
use sha2::{Digest as _, Sha256};

use super::lines::{escaped, fold};
use crate::{hours::moment, oncall::Stretch};

/// Writes the map of a schedule; gaps are events as well, so that they are seen. `stamp` is when the
/// map was made.
pub fn write(schedule: &Name, map: &[Stretch], stamp: UnixMillis) -> String {
    let mut out = String::new();
    let mut line = |text: &str| fold(text, &mut out);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line("PRODID:-//Bellwether//on call//EN");
    line("CALSCALE:GREGORIAN");
    line(&format!("X-WR-CALNAME:on call: {}", escaped(schedule.as_str())));
    for stretch in map {
        let (summary, why) = match &stretch.person {
            Some((person, by)) => (person.to_string(), format!("{schedule}, {by}")),
            None => ("NOBODY ON CALL".to_owned(), format!("{schedule}, a gap")),
        };
        line("BEGIN:VEVENT");
        line(&format!("UID:{}@bellwether", uid(schedule, stretch)));
        line(&format!("DTSTAMP:{}", utc(stamp)));
        line(&format!("DTSTART:{}", utc(stretch.from)));
        line(&format!("DTEND:{}", utc(stretch.to)));
        line(&format!("SUMMARY:{}", escaped(&summary)));
        line(&format!("DESCRIPTION:{}", escaped(&why)));
        line("END:VEVENT");
    }
    line("END:VCALENDAR");
    out
}

/// Who is on call from when: a calendar that is subscribed to keeps the event while only its end
/// moves.
fn uid(schedule: &Name, stretch: &Stretch) -> String {
    let mut hash = Sha256::new();
    hash.update(b"on-call/1");
    hash.update((schedule.as_str().len() as u64).to_be_bytes());
    hash.update(schedule.as_str());
    hash.update(stretch.from.0.to_be_bytes());
    hash.update(stretch.person.as_ref().map_or("", |(person, _)| person.as_str()));
    hex::encode(&hash.finalize()[..16])
}

fn utc(at: UnixMillis) -> String {
    TimeZone::UTC.to_datetime(moment(at)).strftime("%Y%m%dT%H%M%SZ").to_string()
}
