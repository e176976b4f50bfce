//! Standard output: for terminals, container logs and pipes.

use std::io::Write as _;

use super::{Message, Receipt, SendError};

/// Standard output.
#[derive(Debug)]
pub struct Stdout {
    pub(super) json: bool,
}

impl Stdout {
    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let text = self.render(message);
        // A pipe that nobody reads blocks its writer, and only its writer should wait.
        let written = tokio::task::spawn_blocking(move || {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        });
        match written.await {
            Ok(Ok(())) => Ok(Receipt::new("written")),
            Ok(Err(error)) => {
                let reason = format!("cannot write to standard output: {error}");
                Err(SendError::Retry { after: None, reason })
            }
            Err(error) => Err(SendError::Retry { after: None, reason: error.to_string() }),
        }
    }

    fn render(&self, message: &Message) -> String {
        if self.json { format!("{}\n", message.json()) } else { format!("{}\n\n", message.text()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::message::tests::message;

    #[test]
    fn json_is_one_line_per_message() {
        let line = Stdout { json: true }.render(&message());
        assert_eq!(line.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["schema"], "bellwether.alert/1");
        assert!(Stdout { json: false }.render(&message()).ends_with("\n\n"));
    }
}
