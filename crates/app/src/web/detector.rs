//! A detector's page: what it detects, why it matters, when it is wrong, how to respond.

use axum::{
    extract::{Path, State},
    response::Html,
};
use detect::detectors;
use pulldown_cmark::{Event, Options, Parser, Tag, html};
use serde::Serialize;

use super::{
    Site,
    layout::{self, Failure},
};
use crate::words;

#[derive(Serialize)]
struct Page {
    page: &'static str,
    id: &'static str,
    /// The page, from Markdown of our own.
    html: String,
}

/// `GET /docs/detectors/{area}/{name}`: where findings without a runbook of the user's point to.
pub(super) async fn page(
    State(site): State<Site>,
    Path((area, name)): Path<(String, String)>,
) -> Result<Html<String>, Failure> {
    let id = format!("{area}/{name}");
    let Some(detector) = detectors::find(&id) else {
        return Err(Failure::NotFound(format!("there is no detector {}", words::clean(&id))));
    };
    let spec = detector.spec();
    let page = Page { page: "detector", id: spec.id, html: rendered(spec.page) };
    layout::render(&site, &site.info(), "detector.html", page)
}

/// Markdown as HTML; headings can be linked to by their first word (`#respond`).
fn rendered(markdown: &str) -> String {
    let mut events: Vec<Event<'_>> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    for at in 1..events.len() {
        let Event::Text(text) = &events[at] else { continue };
        let word = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[at - 1] {
            *id = Some(word.into());
        }
    }
    let mut page = String::new();
    html::push_html(&mut page, events.into_iter());
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_has_a_page_with_a_place_to_respond() {
        for detector in detectors::ALL {
            let html = rendered(detector.spec().page);
            assert!(html.contains("<h2 id=\"respond\">"), "{}: {html}", detector.spec().id);
        }
    }
}
