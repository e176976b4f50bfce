//! Text messages.
//!
//! The receipt says what the network said of the message for as long as it is worth waiting; a
//! message that the network could not deliver has failed, so that another way is tried.

use std::time::Duration;

use model::UnixMillis;

use super::{
    Errand, Receipt, ReceiverError, SendError, Telephone,
    twilio::{Account, check_number, pause},
};

/// Looks at what became of a message: together about half a minute.
const LOOKS: usize = 9;

/// Longest pause between two of them.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Text messages from one number.
#[derive(Debug)]
pub struct Sms {
    account: Account,
}

impl Sms {
    pub(super) fn new(telephone: &Telephone) -> Result<Self, ReceiverError> {
        // A service picks a number of its own.
        if !telephone.from.starts_with("MG") {
            check_number(&telephone.from)?;
        }
        Ok(Self { account: Account::new(telephone)? })
    }

    pub(super) async fn send(&self, errand: &Errand<'_>) -> Result<Receipt, SendError> {
        let (message, account) = (errand.message, &self.account);
        let text = message.sms();
        let is_service = account.from.starts_with("MG");
        let from = if is_service { "MessagingServiceSid" } else { "From" };
        let to = account.number(errand.address)?;
        let form = [("To", to), (from, &account.from), ("Body", text.as_str())];
        let mut told = account.create("Messages.json", &form, message.at).await?;
        let sid = told["sid"].as_str().unwrap_or_default().to_owned();
        for look in 0..LOOKS {
            match told["status"].as_str().unwrap_or_default() {
                "delivered" | "read" => {
                    return Ok(Receipt::named("delivered to the telephone", sid));
                }
                "failed" | "undelivered" | "canceled" => {
                    let code = told["error_code"].as_u64().unwrap_or_default();
                    return Err(SendError::permanent(format!(
                        "the network did not deliver the text message (error {code})"
                    )));
                }
                _ => {}
            }
            tokio::time::sleep(pause(look, PAUSE_MAX)).await;
            // It was taken; that nobody says what became of it is no reason to send it again.
            if let Ok(read) = account.read("Messages", &sid, message.at).await {
                told = read;
            }
        }
        Ok(Receipt::named("sent, the network has not confirmed it", sid))
    }

    pub(super) async fn check(&self, now: UnixMillis) -> Result<Option<String>, SendError> {
        self.account.check(now).await
    }
}
