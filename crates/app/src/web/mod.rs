//! Pages: what is wrong, whether it can be trusted, what changed.
//!
//! Everything is rendered here, complete without JavaScript, from the same [`Snapshot`] that the
//! API, the metrics and readiness tell. But for what people say of alerts ([`verdict`], with the
//! write key) nothing here writes: the store is only read, always where blocking is allowed. What comes from the chain is text, escaped by the templates; what becomes a
//! link is built from configured addresses, hashes and numbers.
//!
//! [`Snapshot`]: crate::snapshot::Snapshot

mod alert; //    one alert, top-down like a good pager message
mod alerts; //   all alerts, newest first, in pages
mod answer; //   a link in a message was followed
mod assets; //   style sheet, script, icon
mod attacks; //  alerts that belong together
mod authority; // who can make what happen, and who should
mod charts; //   which series are shown, and what they say
mod contract; // everything about one address
mod contracts; // all that is guarded
mod coverage; // what must be watched, what was, what is missing
mod detector; // a detector's page
mod events; //   server-sent events: something changed, still alive
mod fatigue; //  how much people bear
mod hooks; //    chats and other pagers tell what was answered there
mod layout; //   templates, headers, error pages
mod lines; //    lines of a table of facts
mod mail; //     the built-in mailbox
mod on_call; //  who is on call, and when nobody will be
mod overview; // the first screen
mod path; //     a path is fine from now on
mod public; //   what everybody may hear
mod quality; //  how good detection is
mod routes; //   which alerts go where
mod site; //     what everything is made from
mod threats; //  what could go wrong, and what is missing against it
mod verdict; //  what an alert turned out to be

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use tower_http::compression::{
    CompressionLayer, Predicate,
    predicate::{DefaultPredicate, NotForContentType},
};

pub(crate) use layout::{error_chain, render_static};
pub(crate) use site::ReadError;
pub use site::{
    EVENT_READERS_MAX, Mail, MailSummary, Mailbox, NetworkInfo, Site, SiteInfo, Sources,
};

/// What everybody may see, and nothing else: for an address of its own.
pub fn public_router(site: Site) -> Router {
    Router::new()
        .nest("/public", public::router())
        .route("/assets/{name}", get(assets::file))
        .fallback(public::elsewhere)
        .layer(middleware::map_response(layout::secure))
        .layer(CompressionLayer::new())
        .layer(DefaultBodyLimit::max(0))
        .with_state(site)
}

/// Everything that is served over HTTP: pages, API, metrics, health.
pub fn router(site: Site) -> Router {
    let mut pages = Router::new()
        .route("/", get(overview::page))
        .route("/alerts", get(alerts::page))
        .route("/alerts/{id}", get(alert::page))
        .route(
            "/alerts/{id}/verdict",
            post(verdict::say).layer(DefaultBodyLimit::max(verdict::FORM_BYTES_MAX)),
        )
        .route(
            "/alerts/{id}/path",
            post(path::fine).layer(DefaultBodyLimit::max(verdict::FORM_BYTES_MAX)),
        )
        .route(
            "/answer/{token}",
            get(answer::page)
                .post(answer::act)
                .layer(DefaultBodyLimit::max(answer::FORM_BYTES_MAX)),
        )
        .route("/attacks", get(attacks::page))
        .route("/authority", get(authority::page))
        .route("/contracts", get(contracts::page))
        .route("/contracts/{network}/{address}", get(contract::page))
        .route("/coverage", get(coverage::page))
        .route("/fatigue", get(fatigue::page))
        .route("/on-call", get(on_call::page))
        .route("/on-call/{file}", get(on_call::calendar))
        .route("/quality", get(quality::page))
        .route("/routes", get(routes::page))
        .route("/threats", get(threats::page))
        .route("/docs/detectors/{area}/{name}", get(detector::page))
        .route("/events", get(events::stream))
        .route("/assets/{name}", get(assets::file));
    if site.mailbox().is_some() {
        pages = pages
            .route("/mail", get(mail::list))
            .route("/mail/{number}", get(mail::page))
            .route("/mail/{number}/body", get(mail::body));
    }
    let pages = pages
        .fallback(layout::not_found)
        .method_not_allowed_fallback(layout::read_only)
        .layer(middleware::from_fn_with_state(site.clone(), layout::error_pages));
    // A compressed event stream would wait for its buffer to fill.
    let compressed = DefaultPredicate::new().and(NotForContentType::SSE);
    pages
        .nest("/api/v1", crate::api::router())
        .route("/api/v2/alerts", crate::api::as_alertmanager())
        .nest("/hooks", hooks::router())
        .nest("/public", public::router())
        .merge(crate::api::health_router())
        .layer(middleware::map_response(layout::secure))
        .layer(CompressionLayer::new().compress_when(compressed))
        // Nothing here takes a body, but for what says so itself.
        .layer(DefaultBodyLimit::max(0))
        .with_state(site)
}
