//! `bellwether.toml`: what concerns the program as a whole.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{
    mistake::SourceFile,
    table::{Collector, Table, parse},
};

/// Settings of the program as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct General {
    /// What the pages and mails call this installation.
    pub name: String,
    /// File that holds the store, relative to the folder.
    pub store: String,
    /// Where the page and the API listen.
    pub listen: SocketAddr,
    /// Address under which people reach the page; links in messages begin with it.
    pub public_url: String,
}

/// Port of the page and the API unless the user says otherwise.
pub const PORT_DEFAULT: u16 = 7410;

pub(super) fn general(file: &SourceFile, out: &Collector) -> Option<General> {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let name = table.required_text("name");
    let store = table.text("store").map_or("bellwether.db".to_owned(), |s| s.value);
    let listen = table.parsed("listen", |text| {
        text.parse::<SocketAddr>()
            .map_err(|_| format!("{text:?} is not an address and port like 127.0.0.1:7410"))
    });
    let listen =
        listen.map_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT_DEFAULT), |l| l.value);
    let is_public = table.boolean("listen_publicly").unwrap_or(false);
    if !listen.ip().is_loopback() && !is_public {
        out.add(
            super::Mistake::in_file(
                &file.path,
                format!(
                    "listen = \"{listen}\" is open to other machines, and the page has no login"
                ),
            )
            .with_help(
                "put it behind a proxy that asks who is there, then say listen_publicly = true",
            ),
        );
    }
    let public_url = table.parsed("public_url", |text| {
        let is_good = text.starts_with("https://") || text.starts_with("http://");
        if is_good {
            Ok(text.trim_end_matches('/').to_owned())
        } else {
            Err(format!("{text:?} is not an http(s) address"))
        }
    });
    let public_url = public_url.map_or_else(|| format!("http://{listen}"), |u| u.value);
    table.finish();
    Some(General { name: name?.value, store, listen, public_url })
}
