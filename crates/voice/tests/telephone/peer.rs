//! A real telephone at the other end: SIPp, playing a scenario.

use std::{
    fmt::Write as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// What the telephone does, step by step, as SIPp's XML.
#[derive(Default)]
pub(crate) struct Scenario(String);

/// Headers that every answer repeats.
const COMMON: &str = "[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]SIPpTag[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n";

/// Headers of a request inside the call: the other way round.
const INSIDE: &str = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n\
From: <sip:4930@[local_ip]:[local_port]>;tag=[pid]SIPpTag[call_number]\n\
To[$caller]\n[last_Call-ID:]\nContact: <sip:[local_ip]:[local_port];transport=[transport]>\nMax-Forwards: 70\n";

const SDP: &str = "v=0\no=peer 1 1 IN IP[local_ip_type] [local_ip]\ns=-\nc=IN IP[media_ip_type] [media_ip]\nt=0 0\n\
m=audio [media_port] RTP/AVP 8 96\na=rtpmap:8 PCMA/8000\na=rtpmap:96 telephone-event/8000\na=fmtp:96 0-15\n";

impl Scenario {
    fn step(mut self, xml: &str) -> Self {
        self.0.push_str(xml);
        self.0.push('\n');
        self
    }

    pub(crate) fn expect(self, method: &str) -> Self {
        // Whom to name in requests of its own: the caller as it named itself.
        let action = if method == "INVITE" {
            "<action><ereg regexp=\".*\" search_in=\"hdr\" header=\"From\" assign_to=\"caller\"/>\
             <ereg regexp=\"sip:[^>]*\" search_in=\"hdr\" header=\"Contact\" assign_to=\"contact\"/></action>"
        } else {
            ""
        };
        self.step(&format!("<recv request=\"{method}\" crlf=\"true\">{action}</recv>"))
    }

    pub(crate) fn expect_answer(self, code: u16) -> Self {
        self.step(&format!("<recv response=\"{code}\"></recv>"))
    }

    fn send(self, first: &str, headers: &str, body: Option<(&str, &str)>) -> Self {
        let (kind, body) = body.unwrap_or_default();
        let kind = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\n") };
        self.step(&format!(
            "<send><![CDATA[\n\n{first}\n{headers}{kind}Content-Length: [len]\n\n{body}\n]]></send>"
        ))
    }

    pub(crate) fn answer(self, code: u16) -> Self {
        let headers =
            format!("{COMMON}Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n");
        self.send(&format!("SIP/2.0 {code} x"), &headers, None)
    }

    pub(crate) fn challenge(self, code: u16, algorithm: &str) -> Self {
        let name = if code == 401 { "WWW-Authenticate" } else { "Proxy-Authenticate" };
        let headers = format!(
            "{COMMON}{name}: Digest realm=\"pbx\", nonce=\"f00d\", qop=\"auth\", algorithm={algorithm}\n"
        );
        self.send(&format!("SIP/2.0 {code} x"), &headers, None)
    }

    /// Lets on only who knows the password; SIPp computes the digest itself (MD5 alone).
    pub(crate) fn expect_password(self, user: &str, password: &str) -> Self {
        self.step(&format!(
            "<recv request=\"INVITE\" next=\"1\" test=\"known\"><action>\
             <verifyauth assign_to=\"known\" username=\"{user}\" password=\"{password}\"/>\
             <ereg regexp=\".*\" search_in=\"hdr\" header=\"From\" assign_to=\"caller\"/>\
             <ereg regexp=\"sip:[^>]*\" search_in=\"hdr\" header=\"Contact\" assign_to=\"contact\"/>\
             </action></recv>"
        ))
        .answer(403)
        .expect("ACK")
        .step("<label id=\"1\"/>")
    }

    pub(crate) fn pick_up(self) -> Self {
        let headers =
            format!("{COMMON}Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n");
        self.send("SIP/2.0 200 OK", &headers, Some(("application/sdp", SDP))).expect("ACK")
    }

    /// Agrees on sound to and from a socket that is not SIPp's.
    pub(crate) fn pick_up_elsewhere(self, media: std::net::SocketAddr) -> Self {
        let headers =
            format!("{COMMON}Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n");
        let sdp = SDP
            .replace("[media_ip]", &media.ip().to_string())
            .replace("[media_port]", &media.port().to_string());
        self.send("SIP/2.0 200 OK", &headers, Some(("application/sdp", &sdp))).expect("ACK")
    }

    pub(crate) fn request(self, method: &str, number: u32, body: Option<(&str, &str)>) -> Self {
        let headers = format!("{INSIDE}CSeq: {number} {method}\n");
        self.send(&format!("{method} [$contact] SIP/2.0"), &headers, body)
    }

    pub(crate) fn info(self, number: u32, key: char) -> Self {
        let body = format!("Signal={key}\nDuration=160");
        self.request("INFO", number, Some(("application/dtmf-relay", &body))).expect_answer(200)
    }

    pub(crate) fn reinvite(self, number: u32) -> Self {
        self.request("INVITE", number, Some(("application/sdp", SDP)))
            .expect_answer(200)
            .request("ACK", number, None)
    }

    /// Presses a key as a named event in RTP. SIPp sends it from a raw socket, which only root may.
    pub(crate) fn press(self, key: char) -> Self {
        self.step(&format!("<nop><action><exec play_dtmf=\"{key}\"/></action></nop>"))
    }

    pub(crate) fn pause(self, ms: u32) -> Self {
        self.step(&format!("<pause milliseconds=\"{ms}\"/>"))
    }

    fn xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n");
        let uses_caller = self.0.contains("assign_to=\"caller\"");
        write!(xml, "<scenario name=\"peer\">\n{}", self.0).unwrap();
        if uses_caller {
            xml.push_str("<Reference variables=\"caller,contact\"/>\n");
        }
        xml.push_str("</scenario>\n");
        xml
    }
}

/// A running telephone.
pub(crate) struct Peer {
    child: Child,
    pub(crate) port: u16,
    folder: PathBuf,
}

/// The installed program, or `None` with a word about it.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("BELLWETHER_SERVICES").map(PathBuf::from);
    let program = folder.map(|folder| folder.join("bin").join(name)).filter(|path| path.exists());
    if program.is_none() {
        eprintln!("skipped: {name} is not installed (`cargo xtask services up`)");
    }
    program
}

/// A port that is free now, for a server of another program.
fn free_port() -> u16 {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Peer {
    pub(crate) fn start(scenario: &Scenario, transport: &str) -> Option<Self> {
        let program = program("sipp")?;
        let port = free_port();
        let folder =
            std::env::temp_dir().join(format!("bellwether-sipp-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("peer.xml"), scenario.xml()).unwrap();
        let media = free_port() & !1;
        let child = Command::new(program)
            .args(["-sf", "peer.xml", "-i", "127.0.0.1", "-m", "1", "-nostdin", "-rtp_echo"])
            .args(["-p", &port.to_string(), "-mp", &media.to_string(), "-t", transport])
            .args(["-timeout", "60", "-timeout_error", "-trace_err", "-error_file", "errors"])
            .args(["-trace_msg", "-message_file", "messages"])
            .current_dir(&folder)
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let peer = Self { child, port, folder };
        peer.wait_until_it_listens();
        Some(peer)
    }

    /// SIPp says nothing when it is ready; its port does.
    fn wait_until_it_listens(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        let hex = format!(":{:04X} ", self.port);
        let listens = || {
            ["/proc/net/udp", "/proc/net/tcp"]
                .iter()
                .any(|table| std::fs::read_to_string(table).is_ok_and(|text| text.contains(&hex)))
        };
        while !listens() {
            assert!(Instant::now() < until, "SIPp does not listen: {}", self.told());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn told(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        format!("{}\n{}", read("errors"), read("messages"))
    }

    /// Its own verdict: whether everything it waited for came, and nothing else.
    pub(crate) fn was_content(mut self) {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "SIPp ended with {status}: {}", self.told());
                return;
            }
            assert!(Instant::now() < until, "SIPp still waits: {}", self.told());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What it received and sent.
    pub(crate) fn messages(&self) -> String {
        std::fs::read_to_string(self.folder.join("messages")).unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _waited = self.child.wait();
        if std::thread::panicking() {
            eprintln!("what SIPp saw: {}", self.told());
        }
        let _removed = std::fs::remove_dir_all(&self.folder);
    }
}
