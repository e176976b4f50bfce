//! Who calls, through which server; and the numbers that can be called.

use std::fmt;

use model::Secret;
use rsipstack::sip::{Auth, HostWithPort, Uri};

/// Longest number or name that is called: an E.164 number has 15 digits, an address of SIP rarely
/// more than 60 characters.
pub const NUMBER_CHARS_MAX: usize = 128;

/// How messages of SIP travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams; port 5060.
    Udp,
    /// A connection in clear; port 5060.
    Tcp,
    /// An encrypted connection; port 5061.
    Tls,
}

impl Transport {
    /// The word used in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// The port where none is given.
    pub fn port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }
}

/// An account at a provider or a telephone system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Server that places the calls: `host` or `host:port`.
    pub server: String,
    /// How to speak to it.
    pub transport: Transport,
    /// Name of the account; without one, the server must know the caller by the network address.
    pub user: Option<String>,
    /// Its password.
    pub secret: Option<Secret<String>>,
    /// Who calls: a number or name that the provider lets this account show.
    pub from: String,
    /// Domain of the account, where it is not the server's name.
    pub domain: Option<String>,
    /// Whether to register before the call, as some providers ask.
    pub registers: bool,
    /// Certificates, as PEM, that a server with `tls` must be signed by; `None`: those that this
    /// machine trusts.
    pub authorities: Option<String>,
}

/// Why an account or a number cannot work, whoever is on the other side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountFault {
    /// Not a server.
    #[error("server {0:?} is not a host or host:port")]
    Server(String),
    /// Not a domain.
    #[error("domain {0:?} is not a host")]
    Domain(String),
    /// Not a caller.
    #[error("from {0:?} is not a telephone number or the name of an account")]
    From(String),
    /// A user without a password, or the reverse.
    #[error("user and secret go together")]
    HalfAnAccount,
    /// A name that cannot stand in a message of SIP.
    #[error("user {0:?} holds characters that an account cannot have")]
    User(String),
    /// Not a number.
    #[error("{0:?} is not a telephone number (such as +49 30 901820) or a sip: address")]
    Number(String),
}

impl Account {
    /// Whether the account can work.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), AccountFault> {
        self.server_address()?;
        if let Some(domain) = &self.domain
            && !is_host(domain)
        {
            return Err(AccountFault::Domain(domain.clone()));
        }
        if self.user.is_some() != self.secret.is_some() {
            return Err(AccountFault::HalfAnAccount);
        }
        if let Some(user) = &self.user
            && !is_user(user)
        {
            return Err(AccountFault::User(user.clone()));
        }
        self.caller().map(drop)
    }

    pub(crate) fn server_address(&self) -> Result<HostWithPort, AccountFault> {
        let fault = || AccountFault::Server(self.server.clone());
        let host = match self.server.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(fault)?;
                host
            }
            _ => &self.server,
        };
        if !is_host(host) {
            return Err(fault());
        }
        let mut address =
            HostWithPort::try_from(self.server.as_str()).map_err(|_unreadable| fault())?;
        if address.port.is_none() {
            address.port = Some(self.transport.port().into());
        }
        Ok(address)
    }

    fn realm(&self) -> String {
        match &self.domain {
            Some(domain) => domain.clone(),
            None => match self.server.rsplit_once(':') {
                Some((host, _)) if !host.contains(':') || host.ends_with(']') => host.to_owned(),
                _ => self.server.clone(),
            },
        }
    }

    /// Whom the called person sees.
    pub(crate) fn caller(&self) -> Result<Uri, AccountFault> {
        let fault = || AccountFault::From(self.from.clone());
        let number = Number::new(&self.from).map_err(|_| fault())?;
        number.uri(self).map_err(|_| fault())
    }

    /// Where the account registers.
    pub(crate) fn registrar(&self) -> Result<Uri, AccountFault> {
        let realm = self.realm();
        Uri::try_from(format!("sip:{realm}")).map_err(|_unreadable| AccountFault::Domain(realm))
    }
}

/// Whom to call.
#[derive(Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// Reads a telephone number with the usual separators, the name of an extension, or an address
    /// `sip:user@host`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn new(text: &str) -> Result<Self, AccountFault> {
        let fault = || AccountFault::Number(text.chars().take(NUMBER_CHARS_MAX).collect());
        if text.chars().count() > NUMBER_CHARS_MAX {
            return Err(fault());
        }
        let text = text.trim();
        if let Some(address) = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:")) {
            let (user, host) = address.split_once('@').ok_or_else(fault)?;
            let host_only = host.rsplit_once(':').map_or(host, |(host, _)| host);
            return if is_user(user) && is_host(host_only) && Uri::try_from(text).is_ok() {
                Ok(Self(text.to_owned()))
            } else {
                Err(fault())
            };
        }
        let is_telephone = text.chars().any(|c| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || "+-./() *#".contains(c));
        if is_telephone {
            let plain: String =
                text.chars().filter(|c| c.is_ascii_digit() || "+*#".contains(*c)).collect();
            // "+49 (0)30": the digit in brackets is not dialled together with the country's.
            let plain = if text.starts_with('+') && text.contains("(0)") {
                text.replacen("(0)", "", 1)
                    .chars()
                    .filter(|c| c.is_ascii_digit() || *c == '+')
                    .collect()
            } else {
                plain
            };
            let has_stray_plus = plain.rfind('+').is_some_and(|at| at > 0);
            return if has_stray_plus { Err(fault()) } else { Ok(Self(plain)) };
        }
        if is_user(text) { Ok(Self(text.to_owned())) } else { Err(fault()) }
    }

    pub(crate) fn uri(&self, account: &Account) -> Result<Uri, AccountFault> {
        let fault = || AccountFault::Number(self.0.clone());
        if self.0.starts_with("sip") && self.0.contains(':') {
            return Uri::try_from(self.0.as_str()).map_err(|_unreadable| fault());
        }
        // What may not stand in an address as it is ('#') is escaped when the address is written.
        let auth = Auth { user: self.0.clone(), password: None };
        Ok(Uri { auth: Some(auth), ..account.registrar()? })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// People's numbers are theirs: logs get the last digits alone.
impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.char_indices().rev().nth(2).map_or(0, |(at, _)| at);
        write!(f, "Number(…{})", &self.0[shown..])
    }
}

fn is_user(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NUMBER_CHARS_MAX
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.!~*'+".contains(c))
}

fn is_host(text: &str) -> bool {
    let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inside {
        Some(ip) => ip.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !text.is_empty()
                && text.len() <= 253
                && text.split('.').all(|label| {
                    !label.is_empty()
                        && label.len() <= 63
                        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            server: "sip.example.org".to_owned(),
            transport: Transport::Udp,
            user: Some("4930".to_owned()),
            secret: Some(Secret::new("s".to_owned())),
            from: "+49 30 901820".to_owned(),
            domain: None,
            registers: false,
            authorities: None,
        }
    }

    fn uri(number: &str) -> String {
        Number::new(number).unwrap().uri(&account()).unwrap().to_string()
    }

    #[test]
    fn numbers_are_dialled_without_their_separators() {
        assert_eq!(uri("+49 (0)30 / 901-820"), "sip:+4930901820@sip.example.org");
        assert_eq!(uri("030 901820"), "sip:030901820@sip.example.org");
        assert_eq!(uri("*31#110"), "sip:*31%23110@sip.example.org");
        assert_eq!(uri("ada.l"), "sip:ada.l@sip.example.org");
        assert_eq!(uri("sip:ada@pbx.local:5070"), "sip:ada@pbx.local:5070");
    }

    #[test]
    fn what_would_say_more_than_a_number_is_refused() {
        for text in [
            "",
            "ada@x",
            "sip:ada",
            "sip:a b@host",
            "1;x=y@evil",
            "ada\r\nVia: x",
            "+49+1",
            "sip:ada@host>\r\n",
            "ada<b>",
            &"9".repeat(129),
        ] {
            assert!(Number::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_account_says_what_is_wrong_with_it() {
        assert_eq!(account().check(), Ok(()));
        let half = Account { secret: None, ..account() };
        assert_eq!(half.check(), Err(AccountFault::HalfAnAccount));
        for server in ["", "a b", "host:99999", "host:0", "http://x", "a..b", "host:5060:1"] {
            let fault = Account { server: server.to_owned(), ..account() }.check();
            assert_eq!(fault, Err(AccountFault::Server(server.to_owned())));
        }
        for server in ["10.0.0.1", "[::1]:5060", "pbx.local:5062"] {
            assert_eq!(Account { server: server.to_owned(), ..account() }.check(), Ok(()));
        }
    }

    #[test]
    fn a_number_in_a_log_shows_its_end_alone() {
        assert_eq!(format!("{:?}", Number::new("+4930901820").unwrap()), "Number(…820)");
    }
}
