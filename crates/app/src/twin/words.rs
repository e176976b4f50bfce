//! What people said to another installation: the pager here hears of it, too.

use alert::pager::Input;
use model::{Name, UnixMillis};
use store::{Store, StoreError, TakenInput, TwinSaid};

use crate::paging;

/// Words taken in one round; the next round goes on.
const TAKEN_MAX: usize = 500;

/// How long a word waits for an alert that was not seen here yet: a day, after which whoever catches
/// up has caught up.
const WAITS_MS: i64 = 24 * 60 * 60 * 1_000;

/// Puts what people said elsewhere into the pager's inbox, each once; what is about alerts that are
/// not known here waits for them. Gives how many were taken.
pub(super) fn take(store: &Store, people: &[Name], now: UnixMillis) -> Result<u64, StoreError> {
    let mut taken = 0;
    for (twin, said) in store.twin_said(TAKEN_MAX)? {
        let input = match read(&said, people) {
            Ok(input) => input,
            Err(why) => {
                tracing::error!(%twin, number = said.number, why, "what was said there is not taken");
                store.take_twin_said(&twin, &said, None)?;
                continue;
            }
        };
        if let Input::Said { alerts, .. } = &input {
            let is_known = !store.alerts_known(alerts)?.is_empty();
            let is_given_up = now.millis_since(said.at) > WAITS_MS;
            if !is_known && !is_given_up {
                continue;
            }
        }
        store.take_twin_said(&twin, &said, Some(&paging::passed_on(&input, now)))?;
        taken += 1;
    }
    Ok(taken)
}

/// What a person said, if the pager may be told it by somebody else's word: never what alerts are
/// like, and nothing by people who are not known here.
fn read(said: &TwinSaid, people: &[Name]) -> Result<Input, String> {
    let taken = TakenInput {
        sequence: said.number,
        at: said.at,
        json: said.json.clone(),
        is_applied: false,
        refused: None,
    };
    let input = paging::read(&taken).map_err(|error| error.to_string())?;
    let stranger = |by: &&Name| !people.is_empty() && !people.contains(*by);
    let by = match &input {
        Input::Said { by, .. } | Input::Sign { by, .. } => Some(by).filter(stranger),
        Input::Silence(silence) => silence.signed.keys().find(stranger),
        Input::Unsilence { .. } => None,
        _ => return Err("this is not for people to say".to_owned()),
    };
    match by {
        Some(by) => Err(format!("{by} is not in people.toml")),
        None => Ok(input),
    }
}

#[cfg(test)]
mod tests {
    use alert::{life::Deed, pager::Facts};

    use super::*;
    use crate::notify::message::tests::{alert_of, finding};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn said(input: &Input) -> TwinSaid {
        let at = UnixMillis(5);
        TwinSaid { number: 1, at, json: paging::stored(input, at).json }
    }

    #[test]
    fn only_what_people_say_passes_and_only_of_people_who_are_known() {
        let word = Input::Said {
            alerts: vec![model::AlertId([1; 16])],
            by: name("ann"),
            deed: Deed::Acknowledge,
            at: UnixMillis(5),
            reason: "on it".to_owned(),
        };
        assert_eq!(read(&said(&word), &[]).as_ref(), Ok(&word));
        assert_eq!(read(&said(&word), &[name("ann")]).as_ref(), Ok(&word));
        let stranger = read(&said(&word), &[name("bob")]).unwrap_err();
        assert_eq!(stranger, "ann is not in people.toml");
        let (alert, _) = alert_of(finding());
        let forged = Input::Alert(Facts::of(&alert, "made up"));
        assert!(read(&said(&forged), &[]).unwrap_err().contains("not for people"));
        assert!(read(&TwinSaid { json: "{}".to_owned(), ..said(&word) }, &[]).is_err());
    }
}
