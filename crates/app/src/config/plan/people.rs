//! `people.toml`: who there is, and how they are reached.

use std::collections::BTreeMap;

use alert::plan::Person;
use jiff::tz::TimeZone;
use model::{Name, Secret};

use super::{
    super::{
        folder::Surroundings,
        mistake::SourceFile,
        secret::{Literal, Missing, secret},
        table::{Collector, Table, parse},
    },
    Known, Places, time,
};
use crate::notify::{check_mail_address, people::Contact};

/// People, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) order: Vec<Name>,
    pub(super) people: BTreeMap<Name, Person>,
    pub(super) contacts: BTreeMap<Name, Contact>,
}

pub(super) fn people(
    file: &SourceFile,
    known: &Known,
    (around, missing): (&dyn Surroundings, Missing),
    places: &mut Places,
    out: &Collector,
) -> People {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let mut all = People::default();
    for entry in table.tables("person") {
        let name = super::named(&entry, "schedules and escalations name a person by it");
        let channels = entry.names("channels");
        for channel in &channels {
            known.channel(&entry, channel, "channels");
        }
        let zone = time::zone(&entry, "zone").unwrap_or(TimeZone::UTC);
        let channels = channels.into_iter().map(|channel| channel.value).collect();
        let mut person = Person::new(channels, zone);
        if let Some(night) = entry.parsed("night", time::from_to) {
            person.night = night.value;
        }
        let contact = contact(&entry, around, missing);
        let place = entry.span();
        entry.finish();
        let Some(name) = name else { continue };
        if all.people.contains_key(&name.value) {
            table.mistake(name.span, format!("two people are called {}", name.value));
            continue;
        }
        places.set("person", &name.value, file, place);
        all.order.push(name.value.clone());
        all.people.insert(name.value.clone(), person);
        all.contacts.insert(name.value, contact);
    }
    table.finish();
    all
}

fn contact(table: &Table<'_>, around: &dyn Surroundings, missing: Missing) -> Contact {
    let address = |key: &'static str, check: fn(&str) -> Result<(), String>| {
        let address = secret(table, key, Literal::Anything, around, missing)?;
        // What is not there on this machine says nothing about the real one.
        let is_absent = missing == Missing::IsFine && address.value.reveal().is_empty();
        if let (false, Err(error)) = (is_absent, check(address.value.reveal())) {
            table.mistake(address.span, format!("{key}: {error}"));
            return None;
        }
        Some(Secret::new(address.value.reveal().clone()))
    };
    Contact {
        // The checks do not repeat the address: it may come from the environment.
        mail: address("mail", |text| {
            check_mail_address(text).map_err(|_| "not a mail address".to_owned())
        }),
        phone: address("phone", check_phone),
        telegram: address("telegram", |text| {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let is_id = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            is_id.then_some(()).ok_or_else(|| "must be the number of a chat".to_owned())
        }),
        slack: address("slack", check_word),
        matrix: address("matrix", |text| {
            let is_id = text.starts_with('@') && text.contains(':') && !text.contains(' ');
            is_id.then_some(()).ok_or_else(|| "must look like @name:server".to_owned())
        }),
        discord: address("discord", |text| {
            let is_id = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            is_id.then_some(()).ok_or_else(|| "must be the number of a user".to_owned())
        }),
        teams: address("teams", check_word),
        sip: address("sip", |text| {
            let is_address = ["sip:", "sips:"].iter().any(|s| text.starts_with(s));
            let is_address =
                is_address && text.contains('@') && !text.contains(char::is_whitespace);
            is_address.then_some(()).ok_or_else(|| "must look like sip:name@host".to_owned())
        }),
    }
}

/// The international form (E.164), in which every provider dials.
fn check_phone(text: &str) -> Result<(), String> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_number = (7..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0');
    is_number.then_some(()).ok_or_else(|| {
        "must be in the international form: + and 7 to 15 digits, without spaces".to_owned()
    })
}

fn check_word(text: &str) -> Result<(), String> {
    let is_word = !text.is_empty() && !text.contains(char::is_whitespace);
    is_word.then_some(()).ok_or_else(|| "may not be empty nor hold spaces".to_owned())
}

#[cfg(test)]
mod tests {
    use super::check_phone;

    #[test]
    fn only_the_international_form_is_a_phone_number() {
        assert!(check_phone("+4930123456").is_ok());
        for wrong in ["030 123456", "+49 30 123456", "004930123456", "+0123456789", "+491", ""] {
            assert!(check_phone(wrong).is_err(), "{wrong}");
        }
    }
}
