//! Mail over SMTP.

use std::time::{Duration, SystemTime};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope,
    message::{Mailbox, MultiPart, header},
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use model::{NotificationId, Secret};

use super::{Errand, MailTls, Message, Receipt, ReceiverError, SendError, http::chain};

/// Longest time for one step of the conversation with the server.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// Mail to one or more people through one server.
#[derive(Debug)]
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

/// A mail ready to go: its bytes, and to whom.
struct Letter {
    bytes: Vec<u8>,
    from: Address,
    to: Vec<Address>,
}

impl Mail {
    pub(super) fn new(
        host: &str,
        port: u16,
        tls: MailTls,
        account: Option<(&String, &Secret<String>)>,
        from: &str,
        to: &[String],
    ) -> Result<Self, ReceiverError> {
        if to.is_empty() {
            return Err(ReceiverError::NoAddressee);
        }
        let to = to.iter().map(|to| mailbox(to)).collect::<Result<_, _>>()?;
        Ok(Self { to, ..Self::to_nobody(host, port, tls, account, from)? })
    }

    /// A server alone, for letters that name their addressees.
    pub(crate) fn to_nobody(
        host: &str,
        port: u16,
        tls: MailTls,
        account: Option<(&String, &Secret<String>)>,
        from: &str,
    ) -> Result<Self, ReceiverError> {
        if tls == MailTls::None && account.is_some() && !is_loopback(host) {
            return Err(ReceiverError::PasswordInClear { host: host.to_owned() });
        }
        let parameters = || {
            TlsParameters::new(host.to_owned()).map_err(|error| ReceiverError::Setup {
                what: "TLS for mail",
                reason: chain(&error),
            })
        };
        let tls = match tls {
            MailTls::None => Tls::None,
            MailTls::StartTls => Tls::Required(parameters()?),
            MailTls::Tls => Tls::Wrapper(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(tls)
            .timeout(Some(STEP_TIMEOUT));
        if let Some((username, password)) = account {
            let password = password.reveal().clone();
            builder = builder.credentials(Credentials::new(username.clone(), password));
        }
        Ok(Self { transport: builder.build(), from: mailbox(from)?, to: Vec::new() })
    }

    /// Who it says that it is from.
    pub(crate) fn from(&self) -> &Mailbox {
        &self.from
    }

    /// Hands over a letter to its only addressee.
    pub(crate) async fn post(
        &self,
        letter: &lettre::Message,
        to: Address,
    ) -> Result<Receipt, SendError> {
        let bytes = letter.formatted();
        let letter = Letter { bytes, from: self.from.email.clone(), to: vec![to] };
        self.hand_over(&letter, letter.to.clone()).await
    }

    /// Sends to all addressees at once. When the server refuses some of them for good, the others
    /// still get it: one address that is gone must not silence the rest.
    pub(super) async fn send(&self, errand: &Errand<'_>) -> Result<Receipt, SendError> {
        let own = errand.address.map(mailbox).transpose();
        let own = own.map_err(|_| SendError::permanent("the person's mail address is none"))?;
        let to = own.map_or_else(|| self.to.clone(), |own| vec![own]);
        let letter = self.letter(errand.message, to)?;
        let refused = match self.hand_over(&letter, letter.to.clone()).await {
            Err(SendError::Permanent { reason }) if letter.to.len() > 1 => reason,
            outcome => return outcome,
        };
        let mut taken = 0;
        let mut refusals = Vec::new();
        for to in &letter.to {
            match self.hand_over(&letter, vec![to.clone()]).await {
                Ok(_) => taken += 1,
                Err(SendError::Permanent { reason }) => refusals.push(format!("{to}: {reason}")),
                // Those who have it already will know it by its Message-ID.
                Err(retry) => return Err(retry),
            }
        }
        if taken == 0 {
            return Err(SendError::Permanent { reason: refused });
        }
        let all = letter.to.len();
        Ok(Receipt::new(format!("taken for {taken} of {all}; refused: {}", refusals.join("; "))))
    }

    async fn hand_over(&self, letter: &Letter, to: Vec<Address>) -> Result<Receipt, SendError> {
        let envelope = Envelope::new(Some(letter.from.clone()), to)
            .map_err(|error| SendError::Permanent { reason: chain(&error) })?;
        match self.transport.send_raw(&envelope, &letter.bytes).await {
            Ok(response) => {
                let answer = response.message().collect::<Vec<_>>().join(" ");
                Ok(Receipt::new(format!("SMTP {} {answer}", response.code())))
            }
            Err(error) => Err(verdict(&error)),
        }
    }

    /// Greets the server and signs in; writes nothing.
    pub(super) async fn check(&self) -> Result<Option<String>, SendError> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(Some("the server greets and lets in".to_owned())),
            Ok(false) => Err(SendError::permanent("the server does not answer a NOOP")),
            Err(error) => Err(verdict(&error)),
        }
    }

    fn letter(&self, message: &Message, to: Vec<Mailbox>) -> Result<Letter, SendError> {
        let domain = self.from.email.domain();
        let id = |of: NotificationId| format!("<{of}@{domain}>");
        let at = u64::try_from(message.at.0).unwrap_or_default();
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .subject(message.subject())
            .date(SystemTime::UNIX_EPOCH + Duration::from_millis(at))
            .message_id(Some(id(message.id)));
        for to in &to {
            builder = builder.to(to.clone());
        }
        if message.thread != message.id {
            builder = builder.in_reply_to(id(message.thread)).references(id(message.thread));
        }
        let mut headers = vec![
            // Robots do not answer robots (RFC 3834).
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("X-Bellwether-Alert", message.alert.id.to_string()),
            ("X-Bellwether-Severity", message.alert.severity.to_string()),
            ("X-Bellwether-State", message.alert.state.as_str().to_owned()),
        ];
        if message.is_urgent() {
            headers.push(("Importance", "high".to_owned()));
        }
        for (name, value) in headers {
            let name = header::HeaderName::new_from_ascii_str(name);
            builder = builder.raw_header(header::HeaderValue::new(name, value));
        }
        let parts = MultiPart::alternative_plain_html(message.text(), message.html());
        let mail = builder
            .multipart(parts)
            .map_err(|error| SendError::Permanent { reason: chain(&error) })?;
        Ok(Letter {
            bytes: mail.formatted(),
            from: self.from.email.clone(),
            to: to.into_iter().map(|to| to.email).collect(),
        })
    }
}

/// Whether a text is an address that mail can go to.
///
/// # Errors
/// [`ReceiverError::MailAddress`].
pub fn check_mail_address(text: &str) -> Result<(), ReceiverError> {
    mailbox(text).map(|_| ())
}

fn mailbox(text: &str) -> Result<Mailbox, ReceiverError> {
    text.parse().map_err(|error: lettre::address::AddressError| ReceiverError::MailAddress {
        text: text.to_owned(),
        reason: error.to_string(),
    })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A refusal for good is about this mail. When the account is refused, the mail is not: somebody
/// will correct the password, and until then trying costs little.
fn verdict(error: &smtp::Error) -> SendError {
    let reason = chain(error);
    let is_about_account = error
        .status()
        .is_some_and(|code| matches!(code.to_string().as_str(), "530" | "534" | "535" | "538"));
    if error.is_permanent() && !is_about_account {
        SendError::Permanent { reason }
    } else {
        SendError::Retry { after: None, reason }
    }
}
