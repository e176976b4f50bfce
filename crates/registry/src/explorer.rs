//! Links to a block explorer.

use std::fmt;

use model::{Address, B256, BlockNumber};

/// A block explorer with the paths that Etherscan, Blockscout and their kin share.
///
/// Only an address that the user wrote becomes a link, and only over HTTPS: nothing from the chain
/// takes part but hashes and numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explorer {
    base: String,
}

/// Why a text is not the address of an explorer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no explorer address: {reason}; write it like https://etherscan.io")]
pub struct ExplorerError {
    /// The text as written.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Explorer {
    /// Checks a base address such as `https://etherscan.io`; a path is allowed, a trailing slash is
    /// ignored.
    ///
    /// # Errors
    /// When it is not plain `https://host[:port][/path]`.
    pub fn new(text: &str) -> Result<Self, ExplorerError> {
        let error = |reason| ExplorerError { text: text.to_owned(), reason };
        let rest =
            text.strip_prefix("https://").ok_or_else(|| error("it must begin with https://"))?;
        let base = rest.trim_end_matches('/');
        let (host, path) = base.split_once('/').unwrap_or((base, ""));
        let host_name = match host.split_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => name,
            Some(_) => return Err(error("the port is not a number below 65536")),
            None => host,
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if host_name.is_empty() || !host_name.chars().all(is_host) {
            return Err(error("the host may have letters, digits, '.' and '-' only"));
        }
        let is_path = |c: char| c.is_ascii_alphanumeric() || "/-._~%".contains(c);
        if !path.chars().all(is_path) {
            return Err(error("no query, fragment or special character may follow the host"));
        }
        Ok(Self { base: format!("https://{base}") })
    }

    /// Page of a transaction.
    pub fn transaction(&self, hash: B256) -> String {
        format!("{}/tx/{hash}", self.base)
    }

    /// Page of an address.
    pub fn address(&self, address: Address) -> String {
        format!("{}/address/{address}", self.base)
    }

    /// Page of a block.
    pub fn block(&self, number: BlockNumber) -> String {
        format!("{}/block/{number}", self.base)
    }
}

impl fmt::Display for Explorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn links_are_built_from_the_base_alone() {
        let explorer = Explorer::new("https://explorer.example:8443/eth/").unwrap();
        let links = [
            explorer.transaction(B256::repeat_byte(0xab)),
            explorer.address(Address::repeat_byte(0xcd)),
            explorer.block(17),
        ];
        expect![[r#"
            https://explorer.example:8443/eth/tx/0xabababababababababababababababababababababababababababababababab
            https://explorer.example:8443/eth/address/0xCdCDCdCdcdcdcdCdcDcDCdcDcDCdCdcdCdcDCDcD
            https://explorer.example:8443/eth/block/17"#]]
        .assert_eq(&links.join("\n"));
    }

    #[test]
    fn anything_but_a_plain_https_address_is_refused() {
        let refused = [
            "http://etherscan.io",
            "javascript:alert(1)",
            "https://",
            "https://user@etherscan.io",
            "https://etherscan.io:99999",
            "https://etherscan.io/?q=",
            "https://etherscan.io/\"onclick",
        ];
        let reasons = refused.map(|text| Explorer::new(text).unwrap_err().to_string());
        expect![[r#"
            "http://etherscan.io" is no explorer address: it must begin with https://; write it like https://etherscan.io
            "javascript:alert(1)" is no explorer address: it must begin with https://; write it like https://etherscan.io
            "https://" is no explorer address: the host may have letters, digits, '.' and '-' only; write it like https://etherscan.io
            "https://user@etherscan.io" is no explorer address: the host may have letters, digits, '.' and '-' only; write it like https://etherscan.io
            "https://etherscan.io:99999" is no explorer address: the port is not a number below 65536; write it like https://etherscan.io
            "https://etherscan.io/?q=" is no explorer address: no query, fragment or special character may follow the host; write it like https://etherscan.io
            "https://etherscan.io/\"onclick" is no explorer address: no query, fragment or special character may follow the host; write it like https://etherscan.io"#]]
        .assert_eq(&reasons.join("\n"));
    }
}
