//! What people tell the pager, with the write key, and the silences in force.

use alert::quiet::Silence;
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode},
};

use super::{feedback::check_key, parameters::Parameters, reply::Failure, wire};
use crate::{
    fatigue::{WEEKS_DEFAULT, WEEKS_MAX},
    paging::{self, PagingError, Word},
    web::Site,
};

/// The silences that have not ended, the one that ends first first.
pub(super) async fn silences(
    State(site): State<Site>,
    asked: Parameters,
) -> Result<Json<wire::Page<Silence>>, Failure> {
    asked.only(&[])?;
    let items = site.read(|store| Ok(paging::silences(store))).await?;
    let items = items.map_err(|error| match error {
        PagingError::Store(error) => Failure::Read(error.into()),
        error => Failure::bad(format!("{:#}", anyhow::Error::new(error)), Vec::new()),
    })?;
    Ok(Json(wire::Page { items, next: None }))
}

/// How much people bore, over so many weeks.
pub(super) async fn fatigue(
    State(site): State<Site>,
    asked: Parameters,
) -> Result<Json<wire::Fatigue>, Failure> {
    asked.only(&["weeks"])?;
    let weeks = asked.parsed::<u64>("weeks")?.unwrap_or(WEEKS_DEFAULT);
    if !(1..=WEEKS_MAX).contains(&weeks) {
        let error = format!("weeks: {weeks} is not a number in range");
        return Err(Failure::bad(error, vec![format!("1 to {WEEKS_MAX}")]));
    }
    Ok(Json(wire::Fatigue::new(&*site.fatigue(weeks).await?)))
}

/// Tells the pager; 201 when it took the word, 400 with the reason when it did not.
pub(super) async fn tell(
    State(site): State<Site>,
    headers: HeaderMap,
    sent: Result<Json<Word>, JsonRejection>,
) -> Result<(StatusCode, Json<Word>), Failure> {
    check_key(&site, &headers)?;
    let Json(word) = sent.map_err(|error| Failure::bad(error.body_text(), Vec::new()))?;
    let input = word.clone().input(&site.info().people, site.now());
    let input = input.map_err(|fault| Failure::bad(fault.to_string(), Vec::new()))?;
    match site.tell_pager(input).await? {
        Ok(()) => Ok((StatusCode::CREATED, Json(word))),
        Err(refused) => Err(Failure::bad(refused, Vec::new())),
    }
}
