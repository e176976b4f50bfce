//! The list by mail: asked for, confirmed, left. Opening a link does nothing, because mail scanners
//! open links, too; its button posts the same address.

use axum::{
    Form,
    extract::{Path, State, rejection::FormRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{Closed, Site, ask, broken, community, render};
use crate::{
    community::{Community, Confirmed, SignupFault},
    notify::safe,
};

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Filled {
    address: String,
}

#[derive(Serialize)]
struct Said {
    name: String,
    title: &'static str,
    text: String,
    action: String,
    button: Option<&'static str>,
}

impl Said {
    fn new(community: &Community, title: &'static str, text: impl Into<String>) -> Self {
        let name = safe::ours(&community.settings.name);
        Self { name, title, text: text.into(), action: String::new(), button: None }
    }

    fn with(self, button: &'static str, action: String) -> Self {
        Self { action, button: Some(button), ..self }
    }

    fn page(self, status: StatusCode) -> Result<Response, Closed> {
        Ok((status, render("public_said.html", self)?).into_response())
    }
}

fn refused(community: &Community, fault: &SignupFault) -> Result<Response, Closed> {
    let status = match fault {
        SignupFault::NoList | SignupFault::Forged => StatusCode::NOT_FOUND,
        SignupFault::NoAddress => StatusCode::UNPROCESSABLE_ENTITY,
        SignupFault::TooMany => StatusCode::TOO_MANY_REQUESTS,
        SignupFault::Key(_) | SignupFault::Store(_) => return Err(broken(fault)),
    };
    Said::new(community, "Not possible", format!("{fault}.")).page(status)
}

/// `POST /public/subscribe`: the answer is the same whoever is on the list.
pub(super) async fn subscribe(
    State(site): State<Site>,
    filled: Result<Form<Filled>, FormRejection>,
) -> Result<Response, Closed> {
    let community = community(&site)?;
    let Form(Filled { address }) =
        filled.map_err(|_| Closed::Refused("the form is damaged", StatusCode::BAD_REQUEST))?;
    let (store, known, now) = (site.store().clone(), community.clone(), site.now());
    // Whoever sends the invitation runs on; the form only hears that it will.
    let handle = tokio::runtime::Handle::current();
    let asked = ask(move || {
        let _runtime = handle.enter();
        known.ask(&store, &address, now)
    });
    match asked.await? {
        Ok(()) => Said::new(
            &community,
            "Look into your mailbox",
            "If this address can get mail from here, a link to confirm it is on its way. Nothing comes without that.",
        )
        .page(StatusCode::ACCEPTED),
        Err(fault) => refused(&community, &fault),
    }
}

/// `GET /public/confirm/{token}`.
pub(super) async fn confirm_page(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Response, Closed> {
    let community = community(&site)?;
    match community.address_in(&token, site.now()) {
        Ok(address) => {
            let text = format!("Alerts go to {} from now on.", safe::clean(address.reveal()));
            Said::new(&community, "Alerts by mail", text)
                .with("Yes, I want them", format!("/public/confirm/{token}"))
                .page(StatusCode::OK)
        }
        Err(fault) => refused(&community, &fault),
    }
}

/// `POST /public/confirm/{token}`: once.
pub(super) async fn confirm(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Response, Closed> {
    let community = community(&site)?;
    let (store, known, now) = (site.store().clone(), community.clone(), site.now());
    let said = |title, text: &str| Said::new(&community, title, text);
    match ask(move || known.confirm(&store, &token, now)).await? {
        Ok(Confirmed::Now) => {
            said("You are on the list", "Every mail has a link to leave.").page(StatusCode::OK)
        }
        Ok(Confirmed::UsedBefore) => {
            said("Used before", "This link counts once, and it was used.").page(StatusCode::GONE)
        }
        Ok(Confirmed::Full) => said("The list is full", "Follow a feed instead, please.")
            .page(StatusCode::SERVICE_UNAVAILABLE),
        Err(fault) => refused(&community, &fault),
    }
}

fn left(token: &str) -> Result<[u8; 16], Closed> {
    let mut leave = [0; 16];
    hex::decode_to_slice(token, &mut leave).map_err(|_| Closed::Nothing)?;
    Ok(leave)
}

/// `GET /public/leave/{token}`.
pub(super) async fn leave_page(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Response, Closed> {
    let community = community(&site)?;
    let (leave, store) = (left(&token)?, site.store().clone());
    let is_known = ask(move || store.may_leave(leave)).await?.map_err(|error| broken(&error))?;
    let said = Said::new(&community, "Leave the list", "No more alerts come by mail.");
    if is_known {
        return said.with("Leave", format!("/public/leave/{token}")).page(StatusCode::OK);
    }
    Said::new(&community, "You left", "This address is on the list no more.").page(StatusCode::OK)
}

/// `POST /public/leave/{token}`: from the page, or by a mail program with one click (RFC 8058).
pub(super) async fn leave(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Response, Closed> {
    let community = community(&site)?;
    let (leave, store) = (left(&token)?, site.store().clone());
    ask(move || store.leave_list(leave)).await?.map_err(|error| broken(&error))?;
    Said::new(&community, "You left", "This address is on the list no more.").page(StatusCode::OK)
}
