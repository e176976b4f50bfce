//! What the other side asks of us during a call.

use std::sync::Arc;

use rsipstack::{
    dialog::{
        dialog::{DialogState, TransactionHandle},
        dialog_layer::DialogLayer,
    },
    sip::{Header, Method, Request, StatusCode},
    transaction::TransactionReceiver,
};

use crate::{keys::key_of_info, line::Conversation, media::Answer};

/// Hands requests to the dialog they belong to, and answers those that belong to none.
pub(super) async fn serve(dialogs: Arc<DialogLayer>, mut incoming: TransactionReceiver) {
    while let Some(mut transaction) = incoming.recv().await {
        let dialog = dialogs.match_dialog(&transaction);
        tokio::spawn(async move {
            let done = match dialog {
                Some(mut dialog) => dialog.handle(&mut transaction).await,
                None => match transaction.original.method {
                    Method::Ack => Ok(()),
                    Method::Options => transaction.reply(StatusCode::OK).await,
                    // Nobody can be called here.
                    Method::Invite => transaction.reply(StatusCode::TemporarilyUnavailable).await,
                    _ => transaction.reply(StatusCode::CallTransactionDoesNotExist).await,
                },
            };
            if let Err(error) = done {
                tracing::debug!(%error, "answering a request");
            }
        });
    }
}

/// Answers a request inside the call.
pub(super) async fn take(
    state: DialogState,
    conversation: &mut Conversation,
    at_ms: u64,
    description: &str,
) {
    let answered = match state {
        DialogState::Info(_, request, handle) => {
            let kind = content_type(&request);
            if let Some(key) = key_of_info(&kind, &request.body) {
                conversation.told(key, at_ms);
            }
            handle.reply(StatusCode::OK).await
        }
        DialogState::Updated(_, request, handle) => {
            let is_invite = request.method == Method::Invite;
            if request.body.is_empty() {
                // A refresh (UPDATE), or a question what we offer (INVITE).
                if is_invite {
                    describe(&handle, description).await
                } else {
                    handle.reply(StatusCode::OK).await
                }
            } else {
                match Answer::read(&request.body) {
                    Ok(answer) => {
                        conversation.moved(answer);
                        describe(&handle, description).await
                    }
                    // The call goes on as it was agreed before (RFC 3261, section 14.2).
                    Err(_unusable) => handle.reply(StatusCode::NotAcceptableHere).await,
                }
            }
        }
        DialogState::Options(_, _, handle) => handle.reply(StatusCode::OK).await,
        DialogState::Refer(_, _, handle) => handle.reply(StatusCode::Decline).await,
        DialogState::Message(_, _, handle)
        | DialogState::Notify(_, _, handle)
        | DialogState::Publish(_, _, handle) => handle.reply(StatusCode::OK).await,
        _ => Ok(()),
    };
    if answered.is_err() {
        tracing::debug!("a request in a call ended before its answer");
    }
}

async fn describe(
    handle: &TransactionHandle,
    description: &str,
) -> Result<(), tokio::sync::mpsc::error::SendError<rsipstack::dialog::dialog::TransactionCommand>>
{
    let headers = vec![Header::ContentType("application/sdp".into())];
    handle.respond(StatusCode::OK, Some(headers), Some(description.as_bytes().to_vec())).await
}

fn content_type(request: &Request) -> String {
    request
        .headers
        .iter()
        .find_map(|header| match header {
            Header::ContentType(kind) => Some(kind.value().to_owned()),
            _ => None,
        })
        .unwrap_or_default()
}
