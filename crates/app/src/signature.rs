//! Documents that others can check: DSSE envelopes signed with Ed25519.
//!
//! DSSE (<https://github.com/secure-systems-lab/dsse>) signs the exact bytes of the payload together
//! with its type, so nothing needs a canonical form and a signature for one kind of document is none
//! for another; in-toto and Sigstore tools read the same envelopes.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context, anyhow, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Begins and ends a private key's file: PKCS#8 as RFC 5958 has it, in PEM.
const PEM: (&str, &str) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");

/// A private key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    pkcs8: zeroize::Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public()).finish_non_exhaustive()
    }
}

/// A signed document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Kind of document.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// The document's bytes, base64.
    pub payload: String,
    /// Who signed it.
    pub signatures: Vec<Signature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The public key, hexadecimal: a hint only, never a reason to believe.
    pub keyid: String,
    /// Base64.
    pub sig: String,
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate() -> anyhow::Result<Self> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| anyhow!("the system gives no randomness for a key"))?;
        Self::from_pkcs8(document.as_ref().to_vec())
    }

    fn from_pkcs8(pkcs8: Vec<u8>) -> anyhow::Result<Self> {
        let pkcs8 = zeroize::Zeroizing::new(pkcs8);
        // Other programs write keys without their public half; it is derived then.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8)
            .map_err(|refused| anyhow!("this is no Ed25519 key in PKCS#8: {refused}"))?;
        Ok(Self { pair, pkcs8 })
    }

    /// Reads a key that [`SigningKey::write`] or OpenSSL wrote.
    ///
    /// # Errors
    /// When the file cannot be read or holds no such key.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(file)
            .map(zeroize::Zeroizing::new)
            .with_context(|| format!("reading the key {}", file.display()))?;
        Self::from_pem(&text).with_context(|| format!("reading the key {}", file.display()))
    }

    /// Reads a key from the text of such a file.
    ///
    /// # Errors
    /// When the text holds no such key.
    pub fn from_pem(text: &str) -> anyhow::Result<Self> {
        let body = text.trim().strip_prefix(PEM.0).and_then(|rest| rest.strip_suffix(PEM.1));
        let body: String =
            body.context("it is no private key in PEM")?.split_whitespace().collect();
        let pkcs8 = STANDARD.decode(body).context("the key's base64 is damaged")?;
        Self::from_pkcs8(pkcs8)
    }

    /// Writes the key to a new file that only its owner can read.
    ///
    /// # Errors
    /// When the file is there already or cannot be written.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut opened =
            options.open(file).with_context(|| format!("making {}", file.display()))?;
        let body = zeroize::Zeroizing::new(STANDARD.encode(&*self.pkcs8));
        let write = writeln!(opened, "{}\n{}\n{}", PEM.0, *body, PEM.1);
        write.with_context(|| format!("writing {}", file.display()))
    }

    /// The public half, hexadecimal.
    pub fn public(&self) -> String {
        hex::encode(self.pair.public_key().as_ref())
    }

    /// Signs a document.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn seal(&self, payload_type: &str, document: &impl Serialize) -> anyhow::Result<Envelope> {
        let payload = serde_json::to_vec(document).context("writing the document as JSON")?;
        let signed = self.pair.sign(&pre_authentication(payload_type, &payload));
        let signature = Signature { keyid: self.public(), sig: STANDARD.encode(signed.as_ref()) };
        Ok(Envelope {
            payload_type: payload_type.to_owned(),
            payload: STANDARD.encode(payload),
            signatures: vec![signature],
        })
    }
}

impl Envelope {
    /// The document, when `public` (hexadecimal) signed it as this kind of document.
    ///
    /// # Errors
    /// When it is of another kind, damaged, or not signed by that key.
    pub fn open<T: DeserializeOwned>(&self, payload_type: &str, public: &str) -> anyhow::Result<T> {
        ensure!(
            self.payload_type == payload_type,
            "it is a document of type {:?}, expected {payload_type:?}",
            self.payload_type
        );
        let public = hex::decode(public).context("the public key is not hexadecimal")?;
        ensure!(public.len() == 32, "an Ed25519 public key has 32 bytes, not {}", public.len());
        let payload = STANDARD.decode(&self.payload).context("the payload's base64 is damaged")?;
        let message = pre_authentication(payload_type, &payload);
        let key = UnparsedPublicKey::new(&ED25519, public);
        let is_by_key = |signature: &Signature| {
            STANDARD.decode(&signature.sig).is_ok_and(|sig| key.verify(&message, &sig).is_ok())
        };
        ensure!(self.signatures.iter().any(is_by_key), "this key did not sign it");
        serde_json::from_slice(&payload).context("the payload is not the document it claims to be")
    }
}

/// What is signed: `PAE(type, body)` of DSSE version 1.
fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "application/example";

    #[test]
    fn the_signed_bytes_are_those_of_the_standard() {
        // The example in the text of DSSE version 1.
        let signed = pre_authentication("http://example.com/HelloWorld", b"hello world");
        assert_eq!(signed, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn only_the_very_document_of_the_very_key_opens() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let envelope = key.seal(TYPE, &vec![1, 2, 3]).unwrap();
        let open = |e: &Envelope, public: &str| e.open::<Vec<u32>>(TYPE, public).ok();
        assert_eq!(open(&envelope, &key.public()), Some(vec![1, 2, 3]));
        assert_eq!(open(&envelope, &other.public()), None);
        assert_eq!(open(&envelope, "5f"), None);
        let changed = Envelope { payload: STANDARD.encode("[1,2,4]"), ..envelope.clone() };
        assert_eq!(open(&changed, &key.public()), None);
        assert!(envelope.open::<Vec<u32>>("application/other", &key.public()).is_err());
        // A second signature beside ours does not matter; ours alone does.
        let mut both = envelope.clone();
        both.signatures.insert(0, other.seal(TYPE, &9).unwrap().signatures.remove(0));
        assert_eq!(open(&both, &key.public()), Some(vec![1, 2, 3]));
        assert_eq!(open(&both, &other.public()), None);
    }

    #[test]
    fn a_key_survives_its_file_and_overwrites_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("registry.key");
        let key = SigningKey::generate().unwrap();
        key.write(&file).unwrap();
        assert_eq!(SigningKey::read(&file).unwrap().public(), key.public());
        assert!(key.write(&file).is_err(), "a key is never overwritten");
        let shown = format!("{key:?}");
        let private = fs::read_to_string(&file).unwrap();
        assert!(!shown.contains(private.lines().nth(1).unwrap()), "{shown}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(&file, "not a key").unwrap();
        assert!(SigningKey::read(&file).is_err());
    }
}
