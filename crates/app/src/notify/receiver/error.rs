//! Why a receiver cannot be set up.

/// Why a receiver cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiverError {
    /// Not an address of mail.
    #[error("{text:?} is not a mail address: {reason}")]
    MailAddress {
        /// As written.
        text: String,
        /// Why not.
        reason: String,
    },
    /// Nobody to write to.
    #[error("a mail receiver needs at least one address in `to`")]
    NoAddressee,
    /// A user without a password, or the reverse.
    #[error("username and password go together")]
    HalfAnAccount,
    /// The password would cross the network readable by all.
    #[error(
        "a password over an unencrypted connection to {host}: use tls = \"starttls\" or \"tls\""
    )]
    PasswordInClear {
        /// Server.
        host: String,
    },
    /// Not a usable address; the address itself is a secret and not shown.
    #[error("the {what} address is not usable: {reason}")]
    Url {
        /// Whose address.
        what: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// Not what this provider calls its accounts, rooms, chats, numbers.
    #[error("{text:?} is not {what}: {example}")]
    Name {
        /// What it should be.
        what: &'static str,
        /// As written.
        text: String,
        /// How one looks.
        example: &'static str,
    },
    /// Whoever guesses the key can forge alerts.
    #[error("the webhook's secret has {found} bytes; at least {min} make it hard to guess", min = crate::notify::webhook::SECRET_LEN_MIN)]
    WeakSecret {
        /// Its length.
        found: usize,
    },
    /// Whoever finds the address can forge alerts.
    #[error("without a secret the webhook is not signed, and may only be on this machine")]
    Unsigned,
    /// An account or number that cannot call or be called.
    #[error(transparent)]
    Telephone(#[from] voice::AccountFault),
    /// TLS or the resolver could not be initialised.
    #[error("cannot set up {what}: {reason}")]
    Setup {
        /// For what.
        what: &'static str,
        /// Why not.
        reason: String,
    },
}
