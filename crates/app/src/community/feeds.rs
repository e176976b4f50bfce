//! Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1 of what is published.

use std::sync::Arc;

use alert::public::Notice;
use jiff::Timestamp;
use model::UnixMillis;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Community, words};
use crate::notify::safe;

/// Notices in a feed and on the page: what most readers keep.
pub const FEED_MAX: usize = 50;

/// What is published, newest first.
#[derive(Debug, Clone)]
pub struct Listing {
    community: Arc<Community>,
    /// The notices.
    pub notices: Vec<Notice>,
}

/// A feed, ready to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Its text.
    pub text: String,
    /// Changes exactly when the text does.
    pub tag: String,
    /// When the newest notice changed; the epoch when there is none.
    pub changed_at: UnixMillis,
}

impl Listing {
    pub(super) fn new(community: Arc<Community>, notices: Vec<Notice>) -> Self {
        Self { community, notices }
    }

    /// When the newest notice changed; the epoch when there is none.
    pub fn changed_at(&self) -> UnixMillis {
        let changed = self.notices.iter().map(|notice| notice.updated_at).max();
        changed.unwrap_or(UnixMillis(0))
    }

    fn feed(&self, text: String) -> Feed {
        let tag = hex::encode(&Sha256::digest(&text)[..16]);
        Feed { text, tag, changed_at: self.changed_at() }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/public/{path}", self.community.settings.url)
    }

    /// As Atom.
    pub fn atom(&self) -> Feed {
        let settings = &self.community.settings;
        let own = self.url("feed.atom");
        let mut xml = Xml::new();
        xml.open("feed", &[("xmlns", "http://www.w3.org/2005/Atom")]);
        xml.text("id", &own);
        xml.text("title", &safe::ours(&settings.name));
        xml.text("updated", &iso(self.changed_at()));
        xml.empty("link", &[("rel", "self"), ("type", "application/atom+xml"), ("href", &own)]);
        xml.empty(
            "link",
            &[("rel", "alternate"), ("type", "text/html"), ("href", &self.url("alerts"))],
        );
        xml.open("author", &[]);
        xml.text("name", &safe::ours(&settings.name));
        xml.close("author");
        xml.text("generator", "Bellwether");
        for notice in &self.notices {
            let page = settings.page_of(notice);
            xml.open("entry", &[]);
            xml.text("id", &page);
            xml.text("title", &words::subject(notice));
            xml.text("published", &iso(notice.published_at));
            xml.text("updated", &iso(notice.updated_at));
            xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &page)]);
            let signed = format!("{page}.json");
            xml.empty(
                "link",
                &[("rel", "related"), ("type", "application/json"), ("href", &signed)],
            );
            for category in categories(notice) {
                xml.empty("category", &[("term", &category)]);
            }
            let text = words::text(notice, &self.community.explorers);
            xml.text_with("content", &[("type", "text")], &text);
            xml.close("entry");
        }
        xml.close("feed");
        self.feed(xml.0)
    }

    /// As RSS 2.0. A revision is an item of its own: readers of RSS do not look at old items again.
    pub fn rss(&self) -> Feed {
        let settings = &self.community.settings;
        let own = self.url("feed.rss");
        let mut xml = Xml::new();
        xml.open("rss", &[("version", "2.0"), ("xmlns:atom", "http://www.w3.org/2005/Atom")]);
        xml.open("channel", &[]);
        xml.text("title", &safe::ours(&settings.name));
        xml.text("link", &self.url("alerts"));
        xml.text("description", "What everybody should know, signed.");
        xml.text("lastBuildDate", &mail_date(self.changed_at()));
        xml.empty("atom:link", &[("rel", "self"), ("type", "application/rss+xml"), ("href", &own)]);
        for notice in &self.notices {
            let page = settings.page_of(notice);
            xml.open("item", &[]);
            xml.text("title", &words::subject(notice));
            xml.text("link", &page);
            let guid = format!("{page}#{}", notice.revision);
            xml.text_with("guid", &[("isPermaLink", "false")], &guid);
            xml.text("pubDate", &mail_date(notice.updated_at));
            for category in categories(notice) {
                xml.text("category", &category);
            }
            // Readers take a description for HTML, so it is escaped once for that and once for XML.
            let text = escaped(&words::text(notice, &self.community.explorers));
            xml.text("description", &format!("<pre>{text}</pre>"));
            xml.close("item");
        }
        xml.close("channel");
        xml.close("rss");
        self.feed(xml.0)
    }

    /// As JSON Feed 1.1, each item with its signed document.
    pub fn json(&self) -> Feed {
        let settings = &self.community.settings;
        let item = |notice: &Notice| {
            let page = settings.page_of(notice);
            json!({
                "id": page,
                "url": page,
                "title": words::subject(notice),
                "content_text": words::text(notice, &self.community.explorers),
                "date_published": iso(notice.published_at),
                "date_modified": iso(notice.updated_at),
                "tags": categories(notice),
                "_bellwether": {
                    "about": format!("{}/public/key", settings.url),
                    "notice": notice,
                    "signed": settings.seal(notice, 0).ok(),
                },
            })
        };
        let items: Vec<Value> = self.notices.iter().map(item).collect();
        let feed = json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": safe::ours(&settings.name),
            "home_page_url": self.url("alerts"),
            "feed_url": self.url("feed.json"),
            "description": "What everybody should know, signed.",
            "language": "en",
            "authors": [{ "name": safe::ours(&settings.name) }],
            "items": items,
        });
        self.feed(feed.to_string())
    }
}

fn categories(notice: &Notice) -> Vec<String> {
    let severity = notice.severity.map(|severity| severity.to_string());
    let network = notice.network.as_ref().map(ToString::to_string);
    let contract = notice.contract.as_ref().map(ToString::to_string);
    let status = Some(notice.status.as_str().to_owned());
    [status, severity, network, contract].into_iter().flatten().collect()
}

fn timestamp(at: UnixMillis) -> Timestamp {
    Timestamp::from_millisecond(at.0).unwrap_or_default()
}

fn iso(at: UnixMillis) -> String {
    // Whole seconds: some readers know no others.
    crate::words::iso(crate::words::seconds(at))
}

/// A date as mail has it (RFC 2822), which RSS and HTTP use.
pub(crate) fn mail_date(at: UnixMillis) -> String {
    timestamp(at).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML 1.0 has no place for other control characters, in whatever form.
            c if c.is_control() && c != '\n' => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// XML being written.
struct Xml(String);

impl Xml {
    fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_owned())
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        self.0.push('<');
        self.0.push_str(name);
        for (key, value) in attributes {
            self.0.push_str(&format!(" {key}=\"{}\"", escaped(value)));
        }
        self.0.push_str(end);
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, ">\n");
    }

    fn close(&mut self, name: &str) {
        self.0.push_str(&format!("</{name}>\n"));
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/>\n");
    }

    fn text(&mut self, name: &str, text: &str) {
        self.text_with(name, &[], text);
    }

    fn text_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.tag(name, attributes, ">");
        self.0.push_str(&escaped(text));
        self.close(name);
    }
}
