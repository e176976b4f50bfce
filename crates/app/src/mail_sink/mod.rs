//! A mailbox of our own: takes mail over SMTP on loopback and keeps the newest, so that the demo's
//! mails can be read without a mail server and without a mail leaving the machine.
//!
//! It delivers to nobody, asks nobody who they are and forgets everything when it ends; it must not
//! be reachable from other machines, and refuses to listen there.

mod session; // one conversation

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mailparse::{MailHeaderMap, ParsedMail};
use model::UnixMillis;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
};

pub use session::{MAIL_BYTES_MAX, RECIPIENTS_MAX};

/// Mails that are kept: those of some hours of the demo. Older ones go first.
pub const MAILS_MAX: usize = 500;

/// Conversations at a time; further ones wait to be accepted.
pub const SESSIONS_MAX: usize = 32;

/// A mail as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SunkMail {
    /// Counts the mails, from 1.
    pub id: u64,
    /// When its last byte arrived.
    pub received_at: UnixMillis,
    /// Sender, as the conversation said.
    pub from: String,
    /// Recipients, as the conversation said.
    pub to: Vec<String>,
    /// Headers and body.
    pub raw: Arc<[u8]>,
}

/// What a person reads of a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadMail {
    /// Subject.
    pub subject: String,
    /// The `From` header.
    pub from: String,
    /// The `To` header.
    pub to: String,
    /// The `Message-ID` header.
    pub message_id: String,
    /// The `In-Reply-To` header: the mail that this one follows.
    pub in_reply_to: Option<String>,
    /// First plain text part.
    pub text: Option<String>,
    /// First HTML part. It is foreign: show it in a sandboxed frame.
    pub html: Option<String>,
}

impl SunkMail {
    /// Takes the mail apart. What cannot be understood stays empty: the raw mail is there.
    pub fn read(&self) -> ReadMail {
        let Ok(mail) = mailparse::parse_mail(&self.raw) else { return ReadMail::default() };
        let header = |name: &str| mail.headers.get_first_value(name);
        ReadMail {
            subject: header("Subject").unwrap_or_default(),
            from: header("From").unwrap_or_default(),
            to: header("To").unwrap_or_default(),
            message_id: header("Message-ID").unwrap_or_default(),
            in_reply_to: header("In-Reply-To"),
            text: part(&mail, "text/plain"),
            html: part(&mail, "text/html"),
        }
    }
}

fn part(mail: &ParsedMail<'_>, mimetype: &str) -> Option<String> {
    mail.parts()
        .find(|part| part.subparts.is_empty() && part.ctype.mimetype == mimetype)
        .and_then(|part| part.get_body().ok())
}

/// The mails that are there; clones see the same ones.
#[derive(Debug, Clone)]
pub struct Inbox {
    mails: Arc<Mutex<VecDeque<Arc<SunkMail>>>>,
    /// How many ever came: wakes those who wait for the next.
    received: watch::Sender<u64>,
}

impl Inbox {
    fn new() -> Self {
        Self { mails: Arc::default(), received: watch::Sender::new(0) }
    }

    /// The mails that are kept, oldest first.
    pub fn mails(&self) -> Vec<Arc<SunkMail>> {
        self.lock().iter().cloned().collect()
    }

    /// One mail, if it is still kept.
    pub fn get(&self, id: u64) -> Option<Arc<SunkMail>> {
        self.lock().iter().find(|mail| mail.id == id).cloned()
    }

    /// How many mails ever came, with changes.
    pub fn received(&self) -> watch::Receiver<u64> {
        self.received.subscribe()
    }

    fn put(&self, received_at: UnixMillis, from: String, to: Vec<String>, raw: Vec<u8>) -> u64 {
        let mut mails = self.lock();
        // Numbered under the lock, so that mails lie in the order of their numbers.
        let id = *self.received.borrow() + 1;
        if mails.len() == MAILS_MAX {
            mails.pop_front();
        }
        mails.push_back(Arc::new(SunkMail { id, received_at, from, to, raw: raw.into() }));
        drop(mails);
        self.received.send_replace(id);
        id
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<SunkMail>>> {
        // A list of whole mails is whole whoever panicked beside it.
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sink that listens until it is dropped.
#[derive(Debug)]
pub struct MailSink {
    address: SocketAddr,
    inbox: Inbox,
    task: JoinHandle<()>,
}

impl MailSink {
    /// Listens; port 0 takes any free one.
    ///
    /// # Errors
    /// When the address is not of this machine alone, or is taken.
    pub async fn start(listen: SocketAddr) -> io::Result<Self> {
        if !listen.ip().is_loopback() {
            let why = format!("the mail sink would be open to other machines at {listen}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let inbox = Inbox::new();
        let task = tokio::spawn(accept(listener, inbox.clone()));
        Ok(Self { address, inbox, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What came in.
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }
}

impl Drop for MailSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, inbox: Inbox) {
    let room = Arc::new(Semaphore::new(SESSIONS_MAX));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let inbox = inbox.clone();
                tokio::spawn(async move {
                    if let Err(error) = session::hold(stream, &inbox).await {
                        tracing::debug!(%error, "a conversation with the mail sink broke off");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                // Out of file handles, say: others will be closed.
                tracing::warn!(%error, "the mail sink cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
