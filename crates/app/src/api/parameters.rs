//! What may be asked, and what is said about what may not.
//!
//! Every parameter must be known: a misspelt filter that is ignored would answer another question
//! than the one that was asked.

use std::{collections::BTreeMap, str::FromStr};

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use model::{AlertState, FindingStatus, Name, Severity, UnixSeconds};
use store::Cursor;

use super::reply::Failure;
use crate::words;

/// Rows in an answer unless `limit` says otherwise.
const LIMIT_DEFAULT: usize = 50;

/// The query of an address, as text.
pub(super) struct Parameters(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) =
            pairs.map_err(|_| Failure::bad("the query of the address cannot be read", vec![]))?;
        let mut known = BTreeMap::new();
        for (name, value) in pairs {
            if known.insert(name.clone(), value).is_some() {
                let error = format!("parameter {:?} is given twice", words::clean(&name));
                return Err(Failure::bad(error, vec![]));
            }
        }
        Ok(Self(known))
    }
}

impl Parameters {
    /// Refuses parameters that are not `allowed`; one that ends in `.` allows any that begin so.
    pub(super) fn only(&self, allowed: &[&str]) -> Result<(), Failure> {
        let is_known = |name: &str| {
            allowed.iter().any(|a| *a == name || a.ends_with('.') && name.starts_with(a))
        };
        match self.0.keys().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => {
                let error = format!("unknown parameter {:?}", words::clean(name));
                let shown =
                    |a: &&str| if a.ends_with('.') { format!("{a}NAME") } else { (*a).to_owned() };
                Err(Failure::bad(error, allowed.iter().map(shown).collect()))
            }
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Parameters whose name begins so, without that beginning.
    pub(super) fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
        self.0.iter().filter_map(move |(k, v)| Some((k.strip_prefix(prefix)?, v.as_str())))
    }

    /// A value that its own type reads and explains.
    pub(super) fn parsed<T: FromStr<Err: ToString>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let explain = |error: T::Err| {
            Failure::bad(format!("{name}: {}", words::clean(&error.to_string())), vec![])
        };
        text.parse().map(Some).map_err(explain)
    }

    /// One of a few words.
    fn word<T: Copy>(
        &self,
        name: &str,
        all: &[T],
        as_str: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let found = all.iter().copied().find(|value| as_str(*value) == text);
        found.map(Some).ok_or_else(|| {
            let allowed = all.iter().map(|value| as_str(*value).to_owned()).collect();
            Failure::bad(format!("{name}: unknown value {:?}", words::clean(text)), allowed)
        })
    }

    /// A configured network.
    pub(super) fn network(&self, known: &[Name]) -> Result<Option<Name>, Failure> {
        let Some(text) = self.text("network") else { return Ok(None) };
        match known.iter().find(|name| name.as_str() == text) {
            Some(name) => Ok(Some(name.clone())),
            None => {
                let error = format!("network: unknown value {:?}", words::clean(text));
                Err(Failure::bad(error, known.iter().map(ToString::to_string).collect()))
            }
        }
    }

    pub(super) fn name(&self, name: &str) -> Result<Option<Name>, Failure> {
        self.parsed::<Name>(name)
    }

    pub(super) fn severity(&self) -> Result<Option<Severity>, Failure> {
        self.word("severity", &Severity::ALL, Severity::as_str)
    }

    pub(super) fn state(&self) -> Result<Option<AlertState>, Failure> {
        let all = [
            AlertState::Provisional,
            AlertState::Confirmed,
            AlertState::Retracted,
            AlertState::Reported,
        ];
        self.word("state", &all, AlertState::as_str)
    }

    pub(super) fn status(&self) -> Result<Option<FindingStatus>, Failure> {
        let all = [FindingStatus::Tentative, FindingStatus::Confirmed, FindingStatus::Retracted];
        self.word("status", &all, words::finding_status)
    }

    /// A moment: seconds since 1970, or RFC 3339.
    pub(super) fn moment(&self, name: &str) -> Result<Option<UnixSeconds>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let seconds = text.parse::<u64>().ok().or_else(|| {
            let moment = text.parse::<jiff::Timestamp>().ok()?;
            u64::try_from(moment.as_second()).ok()
        });
        seconds.map(|at| Some(UnixSeconds(at))).ok_or_else(|| {
            let error = format!("{name}: {:?} is not a moment", words::clean(text));
            Failure::bad(error, vec!["1700000000".to_owned(), "2023-11-14T22:13:20Z".to_owned()])
        })
    }

    /// Rows in the answer.
    pub(super) fn limit(&self) -> Result<usize, Failure> {
        let Some(text) = self.text("limit") else { return Ok(LIMIT_DEFAULT) };
        let limit =
            text.parse::<usize>().ok().filter(|limit| (1..=store::PAGE_MAX).contains(limit));
        limit.ok_or_else(|| {
            let error = format!("limit: {:?} is not a number in range", words::clean(text));
            Failure::bad(error, vec![format!("1 to {}", store::PAGE_MAX)])
        })
    }

    pub(super) fn cursor(&self) -> Result<Option<Cursor>, Failure> {
        self.parsed::<Cursor>("cursor")
    }
}
