//! Answers and errors as JSON.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tracing::error;

use super::wire;
use crate::web::{ReadError, error_chain};

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The question cannot be asked so.
    BadQuestion(wire::Error),
    /// Nothing is there.
    NotFound(wire::Error),
    /// Whoever asks did not show the write key.
    NotAllowed(wire::Error),
    /// Only reading is offered.
    ReadOnly,
    /// The store cannot be read.
    Read(ReadError),
}

impl Failure {
    pub(super) fn bad(error: impl Into<String>, allowed: Vec<String>) -> Self {
        Self::BadQuestion(wire::Error { error: error.into(), allowed })
    }

    pub(super) fn missing(error: impl Into<String>) -> Self {
        Self::NotFound(wire::Error { error: error.into(), allowed: Vec::new() })
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        use store::StoreError::{BadQuery, QueryTooLarge};
        match &error {
            // The store bounds what one answer holds; the question was at fault.
            ReadError::Store(bad @ (BadQuery(_) | QueryTooLarge { .. })) => {
                Self::bad(bad.to_string(), Vec::new())
            }
            _ => Self::Read(error),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::BadQuestion(body) => (StatusCode::BAD_REQUEST, body),
            Self::NotFound(body) => (StatusCode::NOT_FOUND, body),
            Self::NotAllowed(body) => (StatusCode::UNAUTHORIZED, body),
            Self::ReadOnly => {
                let allowed = vec!["GET".to_owned(), "HEAD".to_owned()];
                let error = "the API is only read".to_owned();
                (StatusCode::METHOD_NOT_ALLOWED, wire::Error { error, allowed })
            }
            Self::Read(cause) => {
                error!(
                    cause = error_chain(&cause),
                    "an API answer could not be read from the store"
                );
                let error = "the store cannot be read at the moment".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, wire::Error { error, allowed: Vec::new() })
            }
        };
        (status, Json(body)).into_response()
    }
}
