//! What is pressed during a call: the provider tells it to `POST /calls/{receiver}/{message}`.
//!
//! Nothing is believed that the provider did not sign with the account's own key.

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use model::{Name, NotificationId};
use tokio::sync::watch;

use super::{Receiver, Receivers, twilio::SIGNATURE_HEADER};

/// Longest form: the provider's fields are short, and there are some thirty.
const FORM_BYTES_MAX: usize = 16 * 1_024;

type View = watch::Receiver<Arc<Receivers>>;

/// The address that a call's `callback` leads to.
pub(crate) fn router(receivers: View) -> Router {
    Router::new()
        .route("/calls/{receiver}/{message}", post(pressed))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .with_state(receivers)
}

/// Whoever is not the provider learns nothing, not even which calls there are.
async fn pressed(
    State(receivers): State<View>,
    Path((receiver, message)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let receivers = receivers.borrow().clone();
    let signature = headers.get(SIGNATURE_HEADER).and_then(|signature| signature.to_str().ok());
    let answer = (|| {
        let mut id = [0; 16];
        hex::decode_to_slice(&message, &mut id).ok()?;
        let message = NotificationId(id);
        let name = Name::new(&receiver).ok()?;
        let Receiver::Voice(voice) = receivers.by_name.get(&name)? else { return None };
        voice.pressed(&receiver, message, &form, signature?)
    })();
    match answer {
        Some(program) => ([(CONTENT_TYPE, "application/xml")], program).into_response(),
        None => StatusCode::FORBIDDEN.into_response(),
    }
}
