//! Text to sound, by a program of the user's choice: `espeak-ng`, a script around `pico2wave` or
//! Piper, or anything else that reads text from its standard input and writes WAV to its standard
//! output.
//!
//! The program is started without a shell and without this program's environment (which may hold
//! secrets), gets a limited time, and what it writes is limited.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
};

use crate::sound::{Sound, SoundError};

/// How long a synthesiser may take: the person waits no longer than that for the call.
pub const SPEECH_TIMEOUT: Duration = Duration::from_secs(6);

/// Most that a synthesiser may write: a minute in 48 kHz stereo of 32 bits.
pub const SPEECH_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// A synthesiser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speech {
    /// Program and arguments.
    pub command: Vec<String>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// There is no program.
    #[error("the command is empty")]
    NoCommand,
    /// It could not be started, or its pipes broke.
    #[error("running {program}: {reason}")]
    Run {
        /// Program.
        program: String,
        /// Why not.
        reason: String,
    },
    /// It took too long.
    #[error("{program} did not end within {} s", SPEECH_TIMEOUT.as_secs())]
    Timeout {
        /// Program.
        program: String,
    },
    /// It wrote too much.
    #[error("{program} wrote more than {SPEECH_BYTES_MAX} bytes")]
    TooLong {
        /// Program.
        program: String,
    },
    /// What it wrote is not a sound.
    #[error("what {program} wrote: {error}")]
    Sound {
        /// Program.
        program: String,
        /// What is wrong with it.
        error: SoundError,
    },
}

impl Speech {
    /// What a text sounds like.
    ///
    /// # Errors
    /// When the program does not run, does not end in time, or writes no sound.
    pub async fn say(&self, text: &str) -> Result<Sound, SpeechError> {
        self.say_within(text, SPEECH_TIMEOUT).await
    }

    async fn say_within(&self, text: &str, patience: Duration) -> Result<Sound, SpeechError> {
        let (program, arguments) = self.command.split_first().ok_or(SpeechError::NoCommand)?;
        let wav = tokio::time::timeout(patience, self.run(program, arguments, text))
            .await
            .map_err(|_elapsed| SpeechError::Timeout { program: program.clone() })??;
        let sound = Sound::from_wav(&wav)
            .map_err(|error| SpeechError::Sound { program: program.clone(), error })?;
        if sound.is_silent() {
            return Err(SpeechError::Sound { program: program.clone(), error: SoundError::Silent });
        }
        Ok(sound)
    }

    async fn run(
        &self,
        program: &String,
        arguments: &[String],
        text: &str,
    ) -> Result<Vec<u8>, SpeechError> {
        let failed = |reason: String| SpeechError::Run { program: program.clone(), reason };
        let mut command = Command::new(program);
        command.args(arguments).env_clear();
        for kept in ["PATH", "HOME", "LANG"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no pipes".to_owned()));
        };
        let write = async move {
            // A program that says what it was told without reading to the end closes the pipe.
            let _unread = stdin.write_all(text.as_bytes()).await;
        };
        let mut wav = Vec::new();
        let mut limited = stdout.take(SPEECH_BYTES_MAX + 1);
        let ((), read) = tokio::join!(write, limited.read_to_end(&mut wav));
        read.map_err(|error| failed(error.to_string()))?;
        if wav.len() as u64 > SPEECH_BYTES_MAX {
            return Err(SpeechError::TooLong { program: program.clone() });
        }
        let status = child.wait().await.map_err(|error| failed(error.to_string()))?;
        if !status.success() {
            return Err(failed(format!("it ended with {status}")));
        }
        Ok(wav)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(command: &[&str]) -> Speech {
        Speech { command: command.iter().map(|&word| word.to_owned()).collect() }
    }

    #[tokio::test]
    async fn what_a_program_writes_is_what_is_said() {
        let wav = crate::sound::tests::wav(16_000, 16_000);
        let folder = std::env::temp_dir().join(format!("bellwether-speech-{}", std::process::id()));
        std::fs::write(&folder, wav).unwrap();
        let sound = speech(&["cat", folder.to_str().unwrap()]).say("hello").await.unwrap();
        std::fs::remove_file(&folder).unwrap();
        assert_eq!(sound.samples().len(), 8_000);
    }

    #[tokio::test]
    async fn a_program_that_writes_no_sound_is_told_apart_from_silence() {
        for (command, expected) in [
            (&["cat"][..], "what cat wrote: it is not a WAV file"),
            (&["false"], "running false: it ended with"),
            (&["/no/such/program"], "running /no/such/program: "),
            (&[], "the command is empty"),
        ] {
            let error = speech(command).say("hello").await.unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_given_up() {
        let error = speech(&["sleep", "600"])
            .say_within("hello", Duration::from_millis(20))
            .await
            .unwrap_err();
        assert!(matches!(error, SpeechError::Timeout { .. }), "{error}");
    }
}
