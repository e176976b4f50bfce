//! Sockets and transports of one call.

use std::{net::SocketAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rsipstack::{
    EndpointBuilder,
    dialog::dialog_layer::DialogLayer,
    sip::{Auth, HostWithPort, Param, Scheme, Uri},
    transaction::endpoint::{Endpoint, EndpointOption},
    transport::{
        SipAddr, SipConnection, TransportLayer,
        tcp::TcpConnection,
        tls::{TlsConfig, TlsConnection},
        udp::UdpConnection,
    },
};
use tokio::{
    net::{UdpSocket, lookup_host},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    CallError, SILENCE, incoming, unreachable,
    way::{Spelling, ThroughServer},
};
use crate::{Account, Transport};

/// What is open for one call.
pub(super) struct Open {
    pub(super) endpoint: Endpoint,
    pub(super) dialogs: Arc<DialogLayer>,
    /// Where the server is.
    pub(super) server: SipAddr,
    /// Its network address.
    pub(super) address: SocketAddr,
    /// Our side of the way to it.
    pub(super) local: SocketAddr,
    transport: Transport,
    stop: CancellationToken,
}

impl Open {
    /// Where requests inside the call reach us.
    pub(super) fn contact(&self, user: Option<&str>) -> Uri {
        let params = match self.transport {
            Transport::Udp => Vec::new(),
            Transport::Tcp => vec![Param::Transport(rsipstack::sip::Transport::Tcp)],
            Transport::Tls => vec![Param::Transport(rsipstack::sip::Transport::Tls)],
        };
        Uri {
            scheme: Some(Scheme::Sip),
            auth: Some(Auth { user: user.unwrap_or("bellwether").to_owned(), password: None }),
            host_with_port: self.local.into(),
            params,
            ..Uri::default()
        }
    }

    pub(super) fn close(&self) {
        self.endpoint.shutdown();
        self.stop.cancel();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close();
    }
}

/// Finds the server and opens a way through it to whom is called.
pub(super) async fn open(account: &Account, called: &Uri) -> Result<Open, CallError> {
    timeout(SILENCE, connect(account, called))
        .await
        .unwrap_or_else(|_elapsed| Err(CallError::NoResponse { server: account.server.clone() }))
}

async fn connect(account: &Account, called: &Uri) -> Result<Open, CallError> {
    let io = |error: std::io::Error| unreachable(account, &error);
    let sip = |error: rsipstack::Error| unreachable(account, &error);
    let named = account.server_address()?;
    let host = named.host.to_string();
    let port = named.port.as_ref().map_or(account.transport.port(), |port| port.value());
    let address = lookup_host((host.trim_matches(['[', ']']), port))
        .await
        .map_err(io)?
        .next()
        .ok_or_else(|| unreachable(account, &"it has no address"))?;
    // Which of this machine's addresses lies on the way to the server.
    let any: SocketAddr =
        if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let probe = UdpSocket::bind(any).await.map_err(io)?;
    probe.connect(address).await.map_err(io)?;
    let ours = SocketAddr::new(probe.local_addr().map_err(io)?.ip(), 0);

    let stop = CancellationToken::new();
    let layer = TransportLayer::new(stop.clone());
    let kind = match account.transport {
        Transport::Udp => rsipstack::sip::Transport::Udp,
        Transport::Tcp => rsipstack::sip::Transport::Tcp,
        Transport::Tls => rsipstack::sip::Transport::Tls,
    };
    let server = SipAddr::new(kind, HostWithPort::from(address));
    let token = Some(stop.child_token());
    let local = match account.transport {
        Transport::Udp => {
            let udp = UdpConnection::create_connection(ours, None, token).await.map_err(sip)?;
            let local = udp.get_addr().get_socketaddr().map_err(sip)?;
            layer.add_transport(SipConnection::Udp(udp));
            local
        }
        Transport::Tcp => {
            let tcp =
                SipConnection::Tcp(TcpConnection::connect(&server, token).await.map_err(sip)?);
            let local = tcp.get_addr().get_socketaddr().map_err(sip)?;
            layer.add_connection(tcp);
            local
        }
        Transport::Tls => {
            let config = TlsConfig {
                ca_certs: Some(authorities(account)?),
                sni_hostname: Some(host.trim_matches(['[', ']']).to_owned()),
                ..TlsConfig::default()
            };
            let tls = TlsConnection::connect(&server, Some(&config), None, token).await;
            let tls = SipConnection::Tls(tls.map_err(sip)?);
            let local = tls.get_addr().get_socketaddr().map_err(sip)?;
            layer.add_connection(tls);
            local
        }
    };
    let endpoint = EndpointBuilder::new()
        .with_user_agent(concat!("Bellwether/", env!("CARGO_PKG_VERSION")))
        .with_transport_layer(layer)
        .with_cancel_token(stop.clone())
        .with_inspector(Box::new(Spelling))
        .with_target_locator(Box::new(ThroughServer {
            server: server.clone(),
            address,
            called: called.host_with_port.host.clone(),
        }))
        // The library's own name would stand behind each call's number.
        .with_option(EndpointOption {
            callid_suffix: Some("bellwether.invalid".to_owned()),
            ..EndpointOption::default()
        })
        .build();
    let requests = endpoint.incoming_transactions().map_err(sip)?;
    let dialogs = Arc::new(DialogLayer::new(endpoint.inner.clone()));
    let inner = endpoint.inner.clone();
    tokio::spawn(async move {
        if let Err(error) = inner.serve().await {
            tracing::debug!(%error, "a call's endpoint ended");
        }
    });
    tokio::spawn(incoming::serve(dialogs.clone(), requests));
    Ok(Open { endpoint, dialogs, server, address, local, transport: account.transport, stop })
}

/// Who may sign the server's certificate, as PEM.
fn authorities(account: &Account) -> Result<Vec<u8>, CallError> {
    if let Some(pem) = &account.authorities {
        return Ok(pem.clone().into_bytes());
    }
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(unreachable(account, &"this machine trusts no certificates"));
    }
    let mut pem = String::new();
    for certificate in &found.certs {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(certificate);
        for line in text.as_bytes().chunks(64) {
            pem.extend(line.iter().map(|byte| char::from(*byte)));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    Ok(pem.into_bytes())
}
