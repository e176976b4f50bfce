//! Style sheet, script and icon, part of the program.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
}

static ASSETS: [Asset; 3] = [
    Asset {
        name: "bellwether.css",
        media_type: "text/css; charset=utf-8",
        content: include_str!("assets/bellwether.css"),
    },
    Asset {
        name: "bellwether.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("assets/bellwether.js"),
    },
    Asset {
        name: "icon.svg",
        media_type: "image/svg+xml",
        content: include_str!("assets/icon.svg"),
    },
];

/// One tag for all: they change together, with the program.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in &ASSETS {
        hash.update(asset.content);
    }
    hex::encode(&hash.finalize()[..8])
});

/// What pages append to the address of an asset, so that a new program brings new assets.
pub(super) fn version() -> &'static str {
    &TAG
}

/// `GET /assets/{name}`. Kept for an hour without asking; after that, asking costs no body.
pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", version());
    let cache = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "max-age=3600".to_owned())];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = |tags: &str| tags.split(',').any(|t| t.trim().trim_start_matches("W/") == tag);
    if known.is_some_and(is_known) {
        return (StatusCode::NOT_MODIFIED, cache).into_response();
    }
    (cache, [(header::CONTENT_TYPE, asset.media_type)], asset.content).into_response()
}
