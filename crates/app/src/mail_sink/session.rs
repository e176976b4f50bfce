//! One SMTP conversation (RFC 5321), with SIZE (1870), 8BITMIME (6152) and PIPELINING (2920).

use std::{io, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::Inbox;

/// Largest mail: 1 MB; ours have some 10 kB.
pub const MAIL_BYTES_MAX: usize = 1_000_000;

/// Recipients of one mail; RFC 5321 asks for at least 100.
pub const RECIPIENTS_MAX: usize = 100;

/// Longest command line, with room for extensions; also the piece in which a body is read.
const LINE_BYTES_MAX: u64 = 4_096;

/// How long a peer may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Bytes of a mail that is too large that are still read, so that its sender can be told.
const DRAIN_BYTES_MAX: usize = 20 * MAIL_BYTES_MAX;

#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
}

struct Session {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    line: Vec<u8>,
}

/// Holds a conversation to its end.
pub(super) async fn hold(stream: TcpStream, inbox: &Inbox) -> io::Result<()> {
    let (reader, writer) = stream.into_split();
    let mut session = Session { reader: BufReader::new(reader), writer, line: Vec::new() };
    session.say("220 bellwether mail sink, keeps mail and sends none").await?;
    let mut envelope = Envelope::default();
    loop {
        if session.read_piece().await? == 0 {
            return Ok(());
        }
        if !session.line.ends_with(b"\n") {
            return session.say("500 line too long").await;
        }
        let line = String::from_utf8_lossy(&session.line).trim_end().to_owned();
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                envelope = Envelope::default();
                let size = format!("250-SIZE {MAIL_BYTES_MAX}");
                session.say("250-bellwether").await?;
                session.say(&size).await?;
                session.say("250-PIPELINING").await?;
                "250 8BITMIME".to_owned()
            }
            "HELO" => {
                envelope = Envelope::default();
                "250 bellwether".to_owned()
            }
            "MAIL" => mail_from(&mut envelope, rest),
            "RCPT" => rcpt_to(&mut envelope, rest),
            "DATA" if envelope.to.is_empty() => "503 no valid recipients".to_owned(),
            "DATA" => {
                session.say("354 end with a dot on a line of its own").await?;
                let body = session.read_body().await?;
                let Envelope { from, to } = std::mem::take(&mut envelope);
                match body {
                    Some(body) => {
                        let now = crate::clock::now();
                        let id = inbox.put(now, from.unwrap_or_default(), to, body);
                        format!("250 kept as {id}")
                    }
                    None => format!("552 larger than {MAIL_BYTES_MAX} bytes"),
                }
            }
            "RSET" => {
                envelope = Envelope::default();
                "250 forgotten".to_owned()
            }
            "NOOP" => "250 still here".to_owned(),
            "VRFY" => "252 send it and see".to_owned(),
            "QUIT" => return session.say("221 bye").await,
            _ => "502 not known here".to_owned(),
        };
        session.say(&answer).await?;
    }
}

fn mail_from(envelope: &mut Envelope, rest: &str) -> String {
    if envelope.from.is_some() {
        return "503 one mail after the other".to_owned();
    }
    let Some((address, parameters)) = path(rest, "FROM:") else {
        return "501 write MAIL FROM:<address>".to_owned();
    };
    let upper = parameters.to_ascii_uppercase();
    let size = upper.split(' ').find_map(|parameter| parameter.strip_prefix("SIZE="));
    match size.map(str::parse::<usize>) {
        Some(Err(_)) => return "501 SIZE is not a number".to_owned(),
        Some(Ok(size)) if size > MAIL_BYTES_MAX => {
            return format!("552 larger than {MAIL_BYTES_MAX} bytes");
        }
        Some(Ok(_)) | None => {}
    }
    envelope.from = Some(address.to_owned());
    "250 ok".to_owned()
}

fn rcpt_to(envelope: &mut Envelope, rest: &str) -> String {
    if envelope.from.is_none() {
        return "503 MAIL first".to_owned();
    }
    match path(rest, "TO:") {
        Some(("", _)) | None => "501 write RCPT TO:<address>".to_owned(),
        Some(_) if envelope.to.len() == RECIPIENTS_MAX => {
            format!("452 more than {RECIPIENTS_MAX} recipients")
        }
        Some((address, _)) => {
            envelope.to.push(address.to_owned());
            "250 ok".to_owned()
        }
    }
}

/// `FROM:<address> parameters` taken apart.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let head = rest.get(..keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, parameters) =
        rest[keyword.len()..].trim_start().strip_prefix('<')?.split_once('>')?;
    Some((address, parameters.trim()))
}

impl Session {
    async fn say(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{line}\r\n");
        tokio::time::timeout(SILENCE_MAX, self.writer.write_all(line.as_bytes())).await?
    }

    /// Reads to the end of the line, or as much of it as [`LINE_BYTES_MAX`] allows.
    async fn read_piece(&mut self) -> io::Result<usize> {
        self.line.clear();
        let mut bounded = (&mut self.reader).take(LINE_BYTES_MAX);
        tokio::time::timeout(SILENCE_MAX, bounded.read_until(b'\n', &mut self.line)).await?
    }

    /// Reads a mail to its dot; `None` when it is too large.
    ///
    /// Only CR LF `.` CR LF ends it. A server that took LF `.` LF as well would let a sender hide
    /// a second mail in the first.
    async fn read_body(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut body = Vec::new();
        let mut read = 0;
        let mut is_line_start = true;
        loop {
            read += match self.read_piece().await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => n,
            };
            if is_line_start && self.line == b".\r\n" {
                return Ok((body.len() <= MAIL_BYTES_MAX).then_some(body));
            }
            if read > DRAIN_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a mail without an end"));
            }
            let is_stuffed = is_line_start && self.line.starts_with(b".");
            if body.len() <= MAIL_BYTES_MAX {
                body.extend_from_slice(&self.line[usize::from(is_stuffed)..]);
            }
            is_line_start = self.line.ends_with(b"\r\n");
        }
    }
}
