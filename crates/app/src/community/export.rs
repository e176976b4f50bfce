//! What is published, as files that anybody can serve: on another machine, a mirror, IPFS. Whoever
//! takes down our page does not take down what we said.

use std::sync::Arc;

use serde::Serialize;
use store::{Store, StoreError};

use super::{Community, subject};
use crate::{notify::safe, words};

/// A file of the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it belongs, relative to the folder.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// What the exported list shows.
#[derive(Debug, Serialize)]
pub(crate) struct Static {
    pub(crate) name: String,
    pub(crate) origin: String,
    pub(crate) alerts: Vec<Row>,
}

/// A line of it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    id: String,
    subject: String,
    status: &'static str,
    changed: String,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store cannot be read.
    #[error("reading what is published")]
    Store(#[from] StoreError),
    /// A document cannot be signed.
    #[error("signing what is published: {0}")]
    Seal(String),
    /// The list cannot be put together: a mistake of ours.
    #[error("the list cannot be put together")]
    Page(#[from] minijinja::Error),
}

impl Community {
    /// The newest notices as files: a list, the feeds, each signed document, the public key. They link
    /// each other relatively, so they may be served from anywhere.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn export(self: &Arc<Self>, store: &Store) -> Result<Vec<File>, ExportError> {
        let listing = self.listing(store)?;
        let mut files = Vec::new();
        let mut file = |path: String, text: String| files.push(File { path, text });
        file("feed.atom".to_owned(), listing.atom().text);
        file("feed.rss".to_owned(), listing.rss().text);
        file("feed.json".to_owned(), listing.json().text);
        if let Some(key) = &self.settings.key {
            file("key".to_owned(), format!("{}\n", key.public()));
        }
        let mut alerts = Vec::new();
        for notice in &listing.notices {
            let sealed = self.settings.seal(notice, 0);
            let sealed = sealed.map_err(|error| ExportError::Seal(format!("{error:#}")))?;
            let text = serde_json::to_string(&sealed).expect("envelopes are text");
            file(format!("alerts/{}.json", notice.id), text);
            alerts.push(Row {
                id: notice.id.to_string(),
                subject: subject(notice),
                status: notice.status.as_str(),
                changed: words::utc(words::seconds(notice.updated_at)),
            });
        }
        let origin = format!("{}/public/alerts", self.settings.url);
        let name = safe::ours(&self.settings.name);
        let page = crate::web::render_static(&Static { name, origin, alerts })?;
        file("index.html".to_owned(), page);
        Ok(files)
    }
}
