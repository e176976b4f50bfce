//! `bellwether public verify`: whether a signed alert is genuine.

use std::path::PathBuf;

use super::super::{Outcome, signed};
use crate::{
    community::{lines, opened, subject},
    terminal::print_line,
};

/// Check the signature of a public alert and print what it says.
///
/// Takes the document behind a public alert's link, the attachment of its mail, or the body of its
/// webhook. Exit code 0 when the key signed exactly this, 1 when it did not, 2 when the file is no
/// signed alert.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  curl -s https://alerts.example.org/public/alerts/3f…9c.json > alert.json\n  bellwether public verify alert.json --public 5f1c…"
)]
pub(super) struct Verify {
    /// The signed alert.
    file: PathBuf,
    /// The public key you expect, as `/public/key` told it on a day when nothing happened. Never take
    /// it from the alert.
    #[arg(long, value_name = "HEX")]
    public: String,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let file = self.file.display();
        let read = signed::read(&self.file, "alert", self.json, |envelope| {
            opened(envelope, self.public.trim())
        })?;
        let Some(sealed) = read else { return Ok(Outcome::FoundWrong) };
        if self.json {
            print_line(&serde_json::to_string(&sealed)?);
            return Ok(Outcome::Fine);
        }
        let issuer = crate::words::clean(&sealed.issuer);
        print_line(&format!("{file}: signed by this key; {issuer} says"));
        print_line(&subject(&sealed.notice));
        for line in lines(&sealed.notice, &std::collections::BTreeMap::new()) {
            print_line(&format!("  {}: {}", line.label, line.value));
        }
        print_line(&format!("  Status: {}", sealed.notice.status.as_str()));
        if sealed.others > 0 {
            print_line(&format!("  and {} more", sealed.others));
        }
        Ok(Outcome::Fine)
    }
}
