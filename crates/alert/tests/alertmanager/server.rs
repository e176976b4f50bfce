//! Alertmanager, fed over its API and listened to over its webhooks.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::program;

/// One notification.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) receiver: String,
    /// Names of the alerts that stand.
    pub(crate) firing: Vec<String>,
    /// Names of those that are over.
    pub(crate) resolved: Vec<String>,
}

/// A running Alertmanager.
pub(crate) struct Server {
    child: Child,
    port: u16,
    folder: PathBuf,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Server {
    /// Starts one; `config` gets the port at which notifications are taken and gives the
    /// configuration.
    pub(crate) fn start(config: impl FnOnce(u16) -> Value) -> Option<Self> {
        let program = program("alertmanager")?;
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let hooks = listen(heard.clone());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder =
            std::env::temp_dir().join(format!("bellwether-am-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.json"), config(hooks).to_string()).unwrap();
        let child = Command::new(program)
            .args(["--config.file=config.json", "--storage.path=data", "--cluster.listen-address="])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { child, port, folder, heard };
        let until = Instant::now() + Duration::from_secs(20);
        while server.ask("GET", "/-/ready", "").is_none_or(|(status, _)| status != 200) {
            assert!(Instant::now() < until, "Alertmanager does not start: {}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let status = text.split(' ').nth(1)?.parse().ok()?;
        Some((status, text))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) {
        let (status, answer) = self.ask("POST", path, &body.to_string()).unwrap();
        assert_eq!(status, 200, "{answer}");
    }

    /// What it told since the last look.
    pub(crate) fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }

    /// Lets it go on for a while of real time.
    pub(crate) fn wait(&self, time: Duration) {
        std::thread::sleep(time);
        assert!(self.ask("GET", "/-/healthy", "").is_some(), "it ended: {}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _waited = self.child.wait();
        let _removed = std::fs::remove_dir_all(&self.folder);
    }
}

/// A receiver of webhooks under `/NAME`.
pub(crate) fn receiver(hooks: u16, name: &str) -> Value {
    let url = format!("http://127.0.0.1:{hooks}/{name}");
    json!({ "name": name, "webhook_configs": [{ "url": url, "send_resolved": true, "max_alerts": 0 }] })
}

fn listen(heard: Arc<Mutex<Vec<Heard>>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heard = heard.clone();
            std::thread::spawn(move || take_one(stream, &heard));
        }
    });
    port
}

fn take_one(stream: TcpStream, heard: &Mutex<Vec<Heard>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let told: Value = serde_json::from_slice(&body).ok()?;
    let names = |status: &str| -> Vec<String> {
        let alerts = told["alerts"].as_array().into_iter().flatten();
        alerts
            .filter(|alert| alert["status"] == status)
            .filter_map(|alert| alert["labels"]["alertname"].as_str().map(str::to_owned))
            .collect()
    };
    heard.lock().unwrap().push(Heard {
        receiver: told["receiver"].as_str()?.to_owned(),
        firing: names("firing"),
        resolved: names("resolved"),
    });
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    reader.into_inner().write_all(answer).ok()
}
