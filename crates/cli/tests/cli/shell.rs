//! A tiny harness, so that tests read like a shell session.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A working directory of its own.
pub struct Shell {
    folder: tempfile::TempDir,
}

impl Shell {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a writable folder");
    }

    /// Runs `mist` with the words of the line; `''` is an empty word.
    pub fn mist(&self, line: &str) -> Ran {
        self.run(Path::new(env!("CARGO_BIN_EXE_mist")), line)
    }

    pub fn run(&self, program: &Path, line: &str) -> Ran {
        self.finish(Command::new(program), line)
    }

    /// Runs `mist` where no file can grow beyond so many blocks of 512 bytes: writing fails as on a full disk.
    #[cfg(unix)]
    pub fn mist_with_little_space(&self, blocks: usize, line: &str) -> Ran {
        let mut command = Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_mist")]);
        self.finish(command, line)
    }

    fn finish(&self, mut command: Command, line: &str) -> Ran {
        let words = line.split_whitespace().map(|word| if word == "''" { "" } else { word });
        command.args(words).current_dir(self.folder.path()).env_remove("COLUMNS");
        // A patch size must not depend on the machine that tests run on.
        command.env("CUDA_VISIBLE_DEVICES", "");
        Ran { line: line.to_owned(), output: command.output().expect("a program that starts") }
    }
}

/// What a command left behind. Every check returns it, for the next one.
pub struct Ran {
    line: String,
    output: Output,
}

impl Ran {
    #[track_caller]
    pub fn exits(self, status: i32) -> Self {
        assert_eq!(self.output.status.code(), Some(status), "{}\n{}", self.line, self.stderr());
        self
    }

    #[track_caller]
    pub fn stderr_has(self, text: &str) -> Self {
        assert!(self.stderr().contains(text), "{}\nno `{text}` in stderr:\n{}", self.line, self.stderr());
        self
    }

    #[track_caller]
    pub fn stdout_has(self, text: &str) -> Self {
        assert!(self.stdout().contains(text), "{}\nno `{text}` in stdout:\n{}", self.line, self.stdout());
        self
    }

    #[track_caller]
    pub fn stdout_lacks(self, text: &str) -> Self {
        assert!(!self.stdout().contains(text), "{}\n`{text}` in stdout:\n{}", self.line, self.stdout());
        self
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}
