//! Feeds, for readers that come every few minutes: asking costs no body when nothing changed.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::UnixMillis;

use super::{Closed, Site, ask, broken, community};
use crate::community::{Feed, Listing, mail_date};

/// How long a reader need not ask again: a minute.
const CACHE: &str = "public, max-age=60";

/// `GET /public/feed.atom`.
pub(super) async fn atom(State(site): State<Site>, asked: HeaderMap) -> Result<Response, Closed> {
    serve(&site, &asked, "application/atom+xml; charset=utf-8", Listing::atom).await
}

/// `GET /public/feed.rss`.
pub(super) async fn rss(State(site): State<Site>, asked: HeaderMap) -> Result<Response, Closed> {
    serve(&site, &asked, "application/rss+xml; charset=utf-8", Listing::rss).await
}

/// `GET /public/feed.json`.
pub(super) async fn json(State(site): State<Site>, asked: HeaderMap) -> Result<Response, Closed> {
    serve(&site, &asked, "application/feed+json; charset=utf-8", Listing::json).await
}

async fn serve(
    site: &Site,
    asked: &HeaderMap,
    media_type: &'static str,
    make: impl FnOnce(&Listing) -> Feed + Send + 'static,
) -> Result<Response, Closed> {
    let community = community(site)?;
    let store = site.store().clone();
    let made = ask(move || community.listing(&store).map(|listing| make(&listing))).await?;
    let feed = made.map_err(|error| broken(&error))?;
    let head = [
        (header::ETAG, format!("\"{}\"", feed.tag)),
        (header::LAST_MODIFIED, mail_date(feed.changed_at)),
        (header::CACHE_CONTROL, CACHE.to_owned()),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned()),
    ];
    if is_known(asked, &feed) {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    Ok((head, [(header::CONTENT_TYPE, media_type)], feed.text).into_response())
}

/// Whether who asks has this very text; the tag decides when both are given (RFC 9110, 13.2.2).
fn is_known(asked: &HeaderMap, feed: &Feed) -> bool {
    let text = |name| asked.get(name).and_then(|value| value.to_str().ok());
    if let Some(tags) = text(header::IF_NONE_MATCH) {
        let tag = format!("\"{}\"", feed.tag);
        let is_it = |known: &str| known.trim().trim_start_matches("W/") == tag;
        return tags.trim() == "*" || tags.split(',').any(is_it);
    }
    text(header::IF_MODIFIED_SINCE)
        .and_then(|since| jiff::fmt::rfc2822::parse(since).ok())
        .is_some_and(|since| {
            let since = UnixMillis(since.timestamp().as_millisecond());
            since.0.div_euclid(1_000) >= feed.changed_at.0.div_euclid(1_000)
        })
}

/// `GET /public/key`: the public half, hexadecimal.
pub(super) async fn key(State(site): State<Site>) -> Result<Response, Closed> {
    let community = community(&site)?;
    let key = community.settings.key.as_ref().ok_or(Closed::Nothing)?;
    let head = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, CACHE),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    Ok((head, format!("{}\n", key.public())).into_response())
}
