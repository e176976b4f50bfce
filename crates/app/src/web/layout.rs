//! Templates, headers and error pages: what all pages share.

use std::sync::LazyLock;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use minijinja::{Environment, UndefinedBehavior, Value, context, value::Serde};
use model::UnixSeconds;
use serde::Serialize;
use tracing::error;

use super::{ReadError, Site, SiteInfo, assets};
use crate::words;

/// Scripts, styles and pictures come from here only, and nobody frames us.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
);

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    // A name that a page does not have is our mistake, and must show in tests.
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, source) in [
        ("base.html", include_str!("templates/base.html")),
        ("macros.html", include_str!("templates/macros.html")),
        ("overview.html", include_str!("templates/overview.html")),
        ("attacks.html", include_str!("templates/attacks.html")),
        ("on_call.html", include_str!("templates/on_call.html")),
        ("routes.html", include_str!("templates/routes.html")),
        ("alerts.html", include_str!("templates/alerts.html")),
        ("alert.html", include_str!("templates/alert.html")),
        ("answer.html", include_str!("templates/answer.html")),
        ("public_base.html", include_str!("templates/public_base.html")),
        ("public_alerts.html", include_str!("templates/public_alerts.html")),
        ("public_alert.html", include_str!("templates/public_alert.html")),
        ("public_said.html", include_str!("templates/public_said.html")),
        ("quality.html", include_str!("templates/quality.html")),
        ("threats.html", include_str!("templates/threats.html")),
        ("mails.html", include_str!("templates/mails.html")),
        ("mail.html", include_str!("templates/mail.html")),
        ("authority.html", include_str!("templates/authority.html")),
        ("contracts.html", include_str!("templates/contracts.html")),
        ("contract.html", include_str!("templates/contract.html")),
        ("coverage.html", include_str!("templates/coverage.html")),
        ("detector.html", include_str!("templates/detector.html")),
        ("failure.html", include_str!("templates/failure.html")),
    ] {
        templates.add_template(name, source).expect("a test renders every template");
    }
    templates
});

/// A moment, as pages show it: relative, with the absolute one on hover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct When {
    iso: String,
    text: String,
    ago: String,
}

impl When {
    pub(super) fn new(at: UnixSeconds, now: UnixSeconds) -> Self {
        Self { iso: words::iso(at), text: words::utc(at), ago: words::ago(at, now) }
    }
}

/// What every page shows.
#[derive(Serialize)]
struct Shared<'a> {
    site: Installation<'a>,
    now: When,
    /// Version of the assets.
    assets: &'static str,
}

#[derive(Serialize)]
struct Installation<'a> {
    name: &'a str,
    has_mailbox: bool,
}

/// Renders a template whose own values are `page`.
pub(super) fn render(
    site: &Site,
    info: &SiteInfo,
    template: &str,
    page: impl Serialize,
) -> Result<Html<String>, Failure> {
    let now = words::seconds(site.now());
    let shared = Value::from(Serde(Shared {
        site: Installation { name: &info.name, has_mailbox: site.mailbox().is_some() },
        now: When::new(now, now),
        assets: assets::version(),
    }));
    let template = TEMPLATES.get_template(template)?;
    Ok(Html(template.render(context! { ..shared, ..Value::from(Serde(page)) })?))
}

/// Renders a page that everybody may see: it is given its own values and nothing else.
pub(super) fn render_public(
    template: &str,
    page: impl Serialize,
) -> Result<Html<String>, minijinja::Error> {
    let shared = context! { assets => assets::version() };
    let template = TEMPLATES.get_template(template)?;
    Ok(Html(template.render(context! { ..shared, ..Value::from(Serde(page)) })?))
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Nothing is there.
    #[error("{0}")]
    NotFound(String),
    /// The address asks for something impossible.
    #[error("{0}")]
    BadAddress(String),
    /// Whoever asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// Only reading is offered.
    #[error("these pages are only read")]
    ReadOnly,
    /// The store cannot be read.
    #[error("the store cannot be read at the moment")]
    Read(#[from] ReadError),
    /// A template does not fit its values: our mistake.
    #[error("this page could not be put together")]
    Template(#[from] minijinja::Error),
}

/// What [`error_pages`] makes a page of.
#[derive(Clone)]
struct Told {
    text: String,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::BadAddress(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::ReadOnly => StatusCode::METHOD_NOT_ALLOWED,
            Self::Read(cause) => {
                error!(cause = error_chain(cause), "a page could not be read from the store");
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Template(cause) => {
                error!(cause = format!("{cause:#}"), "a page could not be rendered");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(Told { text: self.to_string() });
        response
    }
}

/// An error with its sources, for the log.
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[derive(Serialize)]
struct FailurePage {
    page: &'static str,
    status: u16,
    reason: &'static str,
    text: String,
    is_ours: bool,
}

/// Gives failures their page.
pub(super) async fn error_pages(
    State(site): State<Site>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let Some(told) = response.extensions().get::<Told>().cloned() else { return response };
    let status = response.status();
    let page = FailurePage {
        page: "failure",
        status: status.as_u16(),
        reason: status.canonical_reason().unwrap_or("error"),
        text: told.text.clone(),
        is_ours: status.is_server_error(),
    };
    match render(&site, &site.info(), "failure.html", page) {
        Ok(html) => (status, html).into_response(),
        Err(failure) => (status, format!("{}; {failure}\n", told.text)).into_response(),
    }
}

/// No page has this address.
pub(super) async fn not_found(request: Request) -> Failure {
    Failure::NotFound(format!("there is no page {}", words::clean(request.uri().path())))
}

/// Pages are only read.
pub(super) async fn read_only() -> Failure {
    Failure::ReadOnly
}

/// Headers of every answer; what an answer has set itself stays.
pub(super) async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
