//! A real SMTP server: aiosmtpd, as a child of the test, keeping mails in a Maildir.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use mailparse::MailHeaderMap;
use tempfile::TempDir;

use super::{PATIENCE, within};

/// The account that the guarded server asks for.
pub(crate) const ACCOUNT: (&str, &str) = ("bellwether", "a-password-of-the-test");

/// Starts a server that takes any mail, or, told a certificate and an account, one that refuses mail
/// before STARTTLS and a login.
const SCRIPT: &str = r#"
import asyncio, ssl, sys
from aiosmtpd.controller import UnthreadedController
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult

maildir, *guard = sys.argv[1:]
options = {}
if guard:
    cert, key, user, password = guard
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)

    def login(server, session, envelope, mechanism, data):
        good = data.login == user.encode() and data.password == password.encode()
        return AuthResult(success=good)

    options = dict(tls_context=tls, require_starttls=True, authenticator=login, auth_required=True)

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
controller = UnthreadedController(
    Mailbox(maildir), hostname="127.0.0.1", port=0, loop=loop, enable_SMTPUTF8=True, **options)
controller.begin()
print(controller.server.sockets[0].getsockname()[1], flush=True)
loop.run_forever()
"#;

/// A mail that arrived, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) subject: String,
    pub(crate) message_id: String,
    pub(crate) in_reply_to: Option<String>,
    pub(crate) references: Option<String>,
    pub(crate) to: String,
    pub(crate) text: String,
    /// All headers, by name, unfolded.
    pub(crate) headers: Vec<(String, String)>,
    /// What is attached, by file name.
    pub(crate) attached: Vec<(String, String)>,
}

impl Mail {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let is_it = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers.iter().find(is_it).map(|(_, value)| value.as_str())
    }
}

/// A mail server on a port of its own.
pub(crate) struct MailServer {
    child: Child,
    folder: TempDir,
    pub(crate) port: u16,
}

impl MailServer {
    /// One that takes any mail, in clear.
    pub(crate) async fn open(installed: &Path) -> Self {
        Self::start(installed, |_| Vec::new()).await
    }

    /// One that wants TLS and [`ACCOUNT`] first. Clients believe it with [`MailServer::authority`].
    pub(crate) async fn guarded(installed: &Path) -> Self {
        Self::start(installed, |folder| {
            make_certificates(folder);
            let path = |name: &str| folder.join(name).display().to_string();
            vec![path("server.pem"), path("server.key"), ACCOUNT.0.into(), ACCOUNT.1.into()]
        })
        .await
    }

    async fn start(installed: &Path, arguments: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.txt");
        let mut child = Command::new(installed.join("python/bin/python"))
            .args(["-c", SCRIPT])
            .arg(folder.path().join("mails"))
            .args(arguments(folder.path()))
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(folder.path().join("err.txt")).unwrap())
            .spawn()
            .unwrap();
        let port = within(PATIENCE, "the mail server listens", async || {
            if let Some(status) = child.try_wait().unwrap() {
                let said = fs::read_to_string(folder.path().join("err.txt")).unwrap();
                panic!("the mail server ended with {status}: {said}");
            }
            fs::read_to_string(&out).unwrap().strip_suffix('\n')?.parse().ok()
        })
        .await;
        Self { child, folder, port }
    }

    /// The certificate of who vouches for the server.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// The mails that arrived, in order.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("mails/new")) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        // Python names them by second, microsecond and a count.
        paths.sort_by_key(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let (second, rest) = name.split_once(".M").unwrap();
            let (micros, rest) = rest.split_once('P').unwrap();
            let count = rest.split_once('Q').unwrap().1.split('.').next().unwrap();
            let number = |text: &str| text.parse::<u64>().unwrap();
            (number(second), number(micros), number(count))
        });
        paths.iter().map(|path| read(&fs::read(path).unwrap())).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn read(raw: &[u8]) -> Mail {
    let mail = mailparse::parse_mail(raw).unwrap();
    let header = |name: &str| mail.headers.get_first_value(name);
    let text = mail.parts().find(|part| part.ctype.mimetype == "text/plain");
    Mail {
        subject: header("Subject").unwrap(),
        message_id: header("Message-ID").unwrap(),
        in_reply_to: header("In-Reply-To"),
        references: header("References"),
        to: header("To").unwrap(),
        text: text.unwrap().get_body().unwrap(),
        headers: mail.headers.iter().map(|h| (h.get_key(), h.get_value())).collect(),
        attached: mail
            .parts()
            .filter_map(|part| {
                let name = part.get_content_disposition().params.get("filename")?.clone();
                Some((name, part.get_body().unwrap()))
            })
            .collect(),
    }
}

/// An authority and a server's certificate signed by it, both for the length of a test.
fn make_certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(folder)
            .output()
            .expect("openssl is installed");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "openssl {arguments}: {said}");
    };
    fs::write(
        folder.join("server.ext"),
        "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout authority.key -out authority.pem -days 2 -subj /CN=authority",
    );
    openssl("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost");
    openssl(
        "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile server.ext -out server.pem",
    );
}
