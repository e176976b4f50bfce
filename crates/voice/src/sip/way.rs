//! Where requests go, and two words that the library and the world spell differently.

use std::net::{IpAddr, SocketAddr};

use rsipstack::{
    sip::{Header, Host, Request, Response, SipMessage, Uri},
    transaction::endpoint::{MessageInspector, TargetLocator},
    transport::SipAddr,
};

/// Requests to whom we call go through the account's server, whatever the called address says: also
/// the withdrawal of a call, whose way must be that of the call (RFC 3261, section 9.1).
pub(super) struct ThroughServer {
    pub(super) server: SipAddr,
    pub(super) address: SocketAddr,
    pub(super) called: Host,
}

#[async_trait::async_trait]
impl TargetLocator for ThroughServer {
    async fn locate(&self, uri: &Uri) -> rsipstack::Result<SipAddr> {
        let host = &uri.host_with_port.host;
        let is_unreachable = match host {
            // A server behind a translating router that names itself as it does at home.
            Host::IpAddr(ip) => is_private(*ip) && !is_private(self.address.ip()),
            Host::Domain(_) => false,
        };
        if *host == self.called || is_unreachable {
            return Ok(self.server.clone());
        }
        let mut found = SipAddr::try_from(uri)?;
        if found.r#type.is_none() {
            found.r#type = self.server.r#type;
        }
        Ok(found)
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
    }
}

/// The library calls an algorithm of digests `SHA256` where the standard says `SHA-256` (RFC 8760),
/// and would refuse the standard's word.
pub(super) struct Spelling;

impl MessageInspector for Spelling {
    fn before_send(&self, message: SipMessage, _to: Option<&SipAddr>) -> SipMessage {
        respell(message, "SHA256", "SHA-256")
    }

    fn after_received(&self, message: SipMessage, _from: Option<&SipAddr>) -> SipMessage {
        respell(message, "SHA-256", "SHA256")
    }
}

fn respell(mut message: SipMessage, from: &str, to: &str) -> SipMessage {
    let headers = match &mut message {
        SipMessage::Request(Request { headers, .. }) => headers,
        SipMessage::Response(Response { headers, .. }) => headers,
    };
    for header in headers.iter_mut() {
        match header {
            Header::WwwAuthenticate(value) => *value = respelt(value.value(), from, to).into(),
            Header::ProxyAuthenticate(value) => *value = respelt(value.value(), from, to).into(),
            Header::Authorization(value) => *value = respelt(value.value(), from, to).into(),
            Header::ProxyAuthorization(value) => *value = respelt(value.value(), from, to).into(),
            _ => {}
        }
    }
    message
}

/// The parameter `algorithm` alone: a password or a nonce may hold the same letters.
fn respelt(value: &str, from: &str, to: &str) -> String {
    let lower = value.to_ascii_lowercase();
    let Some(at) = lower.find("algorithm=").map(|at| at + "algorithm=".len()) else {
        return value.to_owned();
    };
    let (before, after) = value.split_at(at);
    let quote = if after.starts_with('"') { 1 } else { 0 };
    match after.get(quote..quote + from.len()) {
        Some(word) if word.eq_ignore_ascii_case(from) => {
            format!("{before}{}{to}{}", &after[..quote], &after[quote + from.len()..])
        }
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_algorithm_alone_is_spelt_anew() {
        assert_eq!(
            respelt("Digest nonce=\"SHA-256\", Algorithm=\"sha-256\"", "SHA-256", "SHA256"),
            "Digest nonce=\"SHA-256\", Algorithm=\"SHA256\""
        );
        assert_eq!(respelt("Digest algorithm=MD5", "SHA-256", "SHA256"), "Digest algorithm=MD5");
    }

    #[tokio::test]
    async fn requests_go_through_the_server_unless_they_say_better() {
        let address: SocketAddr = "203.0.113.1:5060".parse().unwrap();
        let way = ThroughServer {
            server: SipAddr::new(rsipstack::sip::Transport::Udp, address.into()),
            address,
            called: Uri::try_from("sip:1@sip.example.org").unwrap().host_with_port.host,
        };
        for (uri, expected) in [
            ("sip:49@sip.example.org", "203.0.113.1:5060"),
            ("sip:49@10.0.0.5:5070", "203.0.113.1:5060"),
            ("sip:49@203.0.113.9:5070", "203.0.113.9:5070"),
        ] {
            let found = way.locate(&Uri::try_from(uri).unwrap()).await.unwrap();
            assert_eq!(found.addr.to_string(), expected, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_respelt_or_left(value in ".{0,20}(algorithm=)?.{0,20}") {
            let _respelt = respelt(&value, "SHA-256", "SHA256");
        }
    }
}
