//! Calls through SIP.

use voice::{Account, AccountFault, Number, Speech, Transport, sip::Manner};

use crate::{
    config::{
        folder::Surroundings,
        secret::{Literal, Missing, secret},
        table::Table,
    },
    notify::{ReceiverConfig, SipConfig},
};

pub(super) fn sip(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let server = table.required_text("server");
    let transport = table.parsed("transport", |text| match text {
        "udp" => Ok(Transport::Udp),
        "tcp" => Ok(Transport::Tcp),
        "tls" => Ok(Transport::Tls),
        _ => Err(format!("unknown transport {text:?} (one of: udp, tcp, tls)")),
    });
    let user = table.text("user");
    let secret = secret(table, "secret", Literal::Never, around, missing);
    let from = table.required_text("from");
    let to = table.required_text("to");
    let speech = table.texts("speech");
    let ring_s = table.integer_in("ring_s", 5..voice::sip::RING_S_MAX + 1);
    let authorities = table.text("ca").and_then(|path| match around.read(&path.value) {
        Ok(pem) => Some(pem),
        Err(_) if missing == Missing::IsFine => None,
        Err(error) => {
            table.mistake(path.span, format!("ca: {} cannot be read: {error}", path.value));
            None
        }
    });
    let manner = Manner {
        ring_s: ring_s.unwrap_or(voice::RING_S),
        hears_tones: table.boolean("inband_keys").unwrap_or(false),
    };
    let registers = table.boolean("register").unwrap_or(false);
    let domain = table.text("domain");
    let (server, from, to) = (server?, from?, to?);
    let account = Account {
        server: server.value,
        transport: transport.map_or(Transport::Udp, |transport| transport.value),
        user: user.map(|user| user.value),
        secret: secret.map(|secret| secret.value),
        from: from.value,
        domain: domain.map(|domain| domain.value),
        registers,
        authorities,
    };
    let fault = account.check().and_then(|()| Number::new(&to.value).map(drop));
    if let Err(fault) = fault {
        let key = match fault {
            AccountFault::Server(_) => "server",
            AccountFault::Domain(_) => "domain",
            AccountFault::From(_) => "from",
            AccountFault::User(_) | AccountFault::HalfAnAccount => "user",
            AccountFault::Number(_) => "to",
        };
        let span = if table.has(key) { table.span_of(key) } else { table.span() };
        table.mistake(span, fault.to_string());
        return None;
    }
    let command: Vec<String> = speech.into_iter().map(|word| word.value).collect();
    let speech = (!command.is_empty()).then_some(Speech { command });
    Some(ReceiverConfig::Sip(Box::new(SipConfig { account, to: to.value, speech, manner })))
}
