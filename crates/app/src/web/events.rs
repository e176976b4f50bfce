//! Server-sent events: `changed` when a page would look different, `alive` so that silence means
//! something.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures_util::stream;
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast, broadcast::error::RecvError},
    time::{Instant, sleep, timeout_at},
};

use super::Site;

/// How often a quiet connection says that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// Changes within this time are one: while catching up there are thousands of blocks a second, and
/// nobody reads four pages a second.
const CHANGES_JOINED: Duration = Duration::from_millis(250);

struct Reader {
    changes: broadcast::Receiver<()>,
    alive_at: Instant,
    /// The reader's place, given back when the connection ends.
    _place: OwnedSemaphorePermit,
}

/// `GET /events`.
pub(super) async fn stream(State(site): State<Site>) -> Response {
    let place = site.event_readers().clone().try_acquire_owned();
    let (Ok(place), Some(changes)) = (place, site.changes()) else {
        let retry = [(header::RETRY_AFTER, HeaderValue::from_static("30"))];
        return (StatusCode::SERVICE_UNAVAILABLE, retry, "no place for another reader\n")
            .into_response();
    };
    // Alive at once, so that a browser knows that it is heard.
    let reader = Reader { changes, alive_at: Instant::now(), _place: place };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    Sse::new(events).into_response()
}

impl Reader {
    /// The next event; `None` when nobody tells of changes any more.
    async fn next(&mut self) -> Option<Event> {
        let event = |name: &str| Event::default().event(name).data("{}");
        match timeout_at(self.alive_at, self.changes.recv()).await {
            Ok(Ok(()) | Err(RecvError::Lagged(_))) => {
                sleep(CHANGES_JOINED).await;
                self.changes = self.changes.resubscribe();
                Some(event("changed"))
            }
            Ok(Err(RecvError::Closed)) => None,
            Err(_) => {
                self.alive_at = Instant::now() + ALIVE_EVERY;
                Some(event("alive"))
            }
        }
    }
}
