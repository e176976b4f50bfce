//! The built program, as a child of the test.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use serde_json::Value;
use store::Store;

use super::{PATIENCE, Project, within};

/// Where the program is.
const PROGRAM: &str = env!("CARGO_BIN_EXE_bellwether");

/// A command of the program, with an environment that nobody's shell leaks into.
pub(crate) fn bellwether() -> Command {
    let mut command = Command::new(PROGRAM);
    for variable in ["RUST_LOG", "BELLWETHER_FOLDER", "BELLWETHER_INIT_RPC", "NO_COLOR"] {
        command.env_remove(variable);
    }
    command.env("COLUMNS", "100").stdin(Stdio::null());
    command
}

/// What a command that ends by itself came to.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ended {
    /// The last line of standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        let last = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs a command to its end. The test's own servers answer meanwhile.
pub(crate) async fn run_to_end(mut command: Command) -> Ended {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `bellwether run`, under way. Killed when it goes out of scope.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
    out: PathBuf,
    store: PathBuf,
    client: reqwest::Client,
}

impl Program {
    /// Starts `bellwether run` on a folder.
    pub(crate) fn run(project: &Project) -> Self {
        Self::run_with(project, |command| command)
    }

    /// As [`Program::run`], with flags and variables of the test's own.
    pub(crate) fn run_with(
        project: &Project,
        adapt: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        Self::start(project.path(), &project.store(), |command| {
            adapt(command.arg("run").arg(project.path()))
        })
    }

    /// Starts any command that goes on until it is stopped; its output goes to files in `folder`.
    pub(crate) fn start(
        folder: &Path,
        store: &Path,
        adapt: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let (log, out) = (folder.join("stderr.txt"), folder.join("stdout.txt"));
        let mut command = bellwether();
        adapt(&mut command).stdout(File::create(&out).unwrap()).stderr(File::create(&log).unwrap());
        let child = command.spawn().unwrap();
        // The client wants a TLS provider even for plain HTTP; whoever installs it first is right.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, log, out, store: store.to_owned(), client }
    }

    /// What it said on standard error so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    /// What it said on standard output so far.
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.out).unwrap()).into_owned()
    }

    /// Where its page is; waits until it listens.
    pub(crate) async fn url(&mut self) -> String {
        within(PATIENCE, "the program says where its page is", async || {
            let said = self.log() + &self.out();
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the program ended with {status}: {said}");
            }
            let (_, rest) = said.split_once("http://127.0.0.1:")?;
            // Half a line may have been written.
            let (port, _) = rest.split_once(|c: char| !c.is_ascii_digit())?;
            Some(format!("http://127.0.0.1:{port}"))
        })
        .await
    }

    /// The answer of its API at `/api/v1/PATH`.
    pub(crate) async fn ask(&mut self, path: &str) -> Value {
        let url = format!("{}/api/v1/{path}", self.url().await);
        let answer = self.client.get(&url).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{url}: {status}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The text of its page at `/PATH`.
    pub(crate) async fn page(&mut self, path: &str) -> String {
        let url = format!("{}/{path}", self.url().await);
        let answer = self.client.get(&url).send().await.unwrap();
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        answer.text().await.unwrap()
    }

    /// Waits until an answer of its API satisfies `is_so`, and gives it.
    pub(crate) async fn ask_until(
        &mut self,
        patience: Duration,
        path: &str,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        let deadline = std::time::Instant::now() + patience;
        loop {
            let answer = self.ask(path).await;
            if is_so(&answer) {
                return answer;
            }
            assert!(
                std::time::Instant::now() < deadline,
                "not within {} s: {what}; {path} says {answer:#}\n{}",
                patience.as_secs(),
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it has judged the block with this hash.
    pub(crate) async fn judged(&mut self, block: model::BlockRef) {
        let hash = block.hash.to_string();
        let what = format!("block {block} is judged");
        let is_judged = |answer: &Value| {
            let networks = answer["items"].as_array().unwrap();
            networks.iter().any(|network| network["judged"]["hash"] == hash.as_str())
        };
        self.ask_until(Duration::from_secs(120), "networks", &what, is_judged).await;
    }

    /// Waits until no message waits for its delivery.
    pub(crate) async fn told_everything(&mut self) {
        // The counts may be those of a moment ago; the list is that of now.
        let is_empty = |answer: &Value| {
            answer["undecided"] == 0 && answer["undelivered"].as_array().unwrap().is_empty()
        };
        self.ask_until(PATIENCE, "outbox", "the outbox is empty", is_empty).await;
    }

    /// Processor time that it took so far, in user and kernel mode, in seconds.
    #[cfg(target_os = "linux")]
    pub(crate) fn cpu_seconds(&self) -> f64 {
        /// What the kernel counts in for every program (`USER_HZ`), whatever its own clock is.
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name of the program, in parentheses, may hold anything; what follows is fields 3 on.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(2).map(|field| field.parse::<f64>().unwrap());
        ticks.sum::<f64>() / TICKS_PER_SECOND
    }

    /// Ends it with SIGKILL, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it with SIGTERM and waits.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        within(PATIENCE, "the program stops", async || self.child.try_wait().unwrap()).await
    }

    /// Ends it with SIGTERM and opens what it kept.
    pub(crate) async fn stop_and_open(self) -> Store {
        let path = self.store.clone();
        let log = self.log.clone();
        let status = self.stop().await;
        assert!(status.success(), "{status}: {}", fs::read_to_string(log).unwrap());
        Store::open(path).unwrap()
    }

    /// Tells it to read its folder again.
    pub(crate) fn hang_up(&self) {
        self.signal("HUP");
    }

    fn signal(&self, name: &str) {
        // `kill` is a word of every shell; nothing else is needed to send a signal.
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
