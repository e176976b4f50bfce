//! A process that reads blocks and answers findings, one line each.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    time::Duration,
};

use super::{ANSWER_BYTES_MAX, Answers, Failure};

/// Files that it may have open: its own, and a handful.
#[cfg(target_os = "linux")]
const FILES_MAX: u64 = 64;

/// A process, started when it is first asked and again after it failed.
pub(super) struct Process {
    command: Vec<String>,
    folder: PathBuf,
    memory_bytes: u64,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// Lines to write; a thread of its own writes them, because a process that does not read would
    /// block whoever writes.
    writing: std::sync::mpsc::SyncSender<String>,
    lines: Receiver<Result<String, Failure>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already; nothing else is to be done about it.
        let _gone = self.child.kill();
        let _waited = self.child.wait();
    }
}

impl Process {
    pub(super) fn new(command: Vec<String>, folder: PathBuf, memory_bytes: u64) -> Self {
        Self { command, folder, memory_bytes, running: None }
    }

    fn start(&self) -> Result<Running, Failure> {
        let unreachable = |error: &dyn std::fmt::Display| Failure::Unreachable(error.to_string());
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Failure::Unreachable("the command is empty".to_owned()));
        };
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| unreachable(&format!("starting {program}: {error}")))?;
        // Before it gets its first byte: it waits for one.
        if let Err(error) = limit(&child, self.memory_bytes) {
            let _gone = child.kill();
            let _waited = child.wait();
            return Err(unreachable(&format!("limiting {program}: {error}")));
        }
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(unreachable(&"it has no pipes"));
        };
        let (writing, to_write) = sync_channel::<String>(1);
        std::thread::spawn(move || write_lines(stdin, &to_write));
        let (read, lines) = sync_channel(1);
        std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            loop {
                let mut bytes = Vec::new();
                let most = ANSWER_BYTES_MAX as u64 + 1;
                let answer = match stdout.by_ref().take(most).read_until(b'\n', &mut bytes) {
                    Ok(0) => Err(Failure::Ended("it closed its output".to_owned())),
                    Ok(_) if bytes.len() > ANSWER_BYTES_MAX => Err(Failure::TooLong),
                    Ok(_) => String::from_utf8(bytes)
                        .map_err(|_| Failure::NoAnswer("it is not UTF-8".to_owned())),
                    Err(error) => Err(Failure::Ended(error.to_string())),
                };
                let is_over = answer.is_err();
                if read.send(answer).is_err() || is_over {
                    return;
                }
            }
        });
        Ok(Running { child, writing, lines })
    }
}

fn write_lines(mut stdin: ChildStdin, lines: &Receiver<String>) {
    for line in lines {
        // A process that is gone is told by its output.
        if stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

impl Answers for Process {
    fn answer(&mut self, line: &str, timeout: Duration) -> Result<String, Failure> {
        let running = match self.running.take() {
            Some(running) => running,
            None => self.start()?,
        };
        let asked = running.writing.try_send(format!("{line}\n"));
        if asked.is_err() {
            return Err(Failure::Ended("it does not read what it is given".to_owned()));
        }
        let answer = match running.lines.recv_timeout(timeout) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(Failure::TooSlow(timeout)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failure::Ended("it closed its output".to_owned()))
            }
        };
        // After a failure nobody knows what it would say next: it is killed, and begins anew.
        if answer.is_ok() {
            self.running = Some(running);
        }
        answer
    }
}

#[cfg(target_os = "linux")]
fn limit(child: &Child, memory_bytes: u64) -> std::io::Result<()> {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = Some(Pid::from_child(child));
    let most = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    prlimit(pid, Resource::As, most(memory_bytes))?;
    prlimit(pid, Resource::Nofile, most(FILES_MAX))?;
    // It leaves no dumps of what it was given, and writes no large files.
    prlimit(pid, Resource::Core, most(0))?;
    prlimit(pid, Resource::Fsize, most(memory_bytes))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn limit(_child: &Child, _memory_bytes: u64) -> std::io::Result<()> {
    // Never without its limits: an address works everywhere.
    Err(std::io::Error::other("a process can be limited on Linux only; use url instead"))
}
