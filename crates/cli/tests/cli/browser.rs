//! A Chromium without a window, told what to do through its debugging pipe
//! (<https://chromedevtools.github.io/devtools-protocol/>).

use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine that draws without a GPU.
const PATIENCE: Duration = Duration::from_secs(180);

/// A browser with one page. Killed when dropped.
pub struct Browser {
    child: Child,
    commands: File,
    messages: Receiver<Value>,
    session: Option<String>,
    sent: u64,
    /// Messages that were no answers: what happened meanwhile.
    events: Vec<Value>,
    _folder: tempfile::TempDir,
}

/// The Chromium of this computer; `MIST_TEST_CHROMIUM` names another one.
fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("MIST_TEST_CHROMIUM") {
        return Some(named.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

impl Browser {
    /// Starts a browser with an empty page; `None` where there is none, which is said.
    pub fn start() -> Option<Self> {
        let Some(program) = chromium() else {
            println!("skipped: there is no Chromium (apt-get install chromium, or MIST_TEST_CHROMIUM)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pipe = |name: &str| {
            let path = folder.path().join(name);
            assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
            path
        };
        let (to, from) = (pipe("to"), pipe("from"));
        let mut command = Command::new("sh");
        command.args(["-c", r#"to="$1"; from="$2"; shift 2; exec "$@" 3<"$to" 4>"$from""#, "sh"]);
        command.arg(&to).arg(&from).arg(program);
        command.args(["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--window-size=1400,900"]);
        // The page is our own, and tests often run as root, whom the sandbox refuses.
        command.args(["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]);
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("a shell");
        // Each waits for the other end.
        let commands = OpenOptions::new().write(true).open(to).expect("a pipe");
        let answers = BufReader::new(File::open(from).expect("a pipe"));
        let (sender, messages) = mpsc::channel();
        std::thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("JSON");
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser =
            Self { child, commands, messages, session: None, sent: 0, events: Vec::new(), _folder: folder };
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let page = browser.call("Target.attachToTarget", json!({ "targetId": page["targetId"], "flatten": true }));
        browser.session = page["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.commands.write_all(&bytes).expect("a browser that listens");
        loop {
            let answer = self.messages.recv_timeout(PATIENCE).expect("an answer of the browser");
            if answer["id"] == self.sent {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    /// Goes to an address.
    pub fn open(&mut self, address: &str) {
        self.call("Page.navigate", json!({ "url": address }));
    }

    /// Value of an expression in the page.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// The text of the first element that a selector finds.
    #[track_caller]
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.value(&format!("document.querySelector('{selector}')?.textContent ?? ''"));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page has a body whose `data-state` is this one.
    #[track_caller]
    pub fn wait_for(&mut self, state: &str) {
        let begin = Instant::now();
        while self.value("document.body?.dataset.state") != json!(state) {
            assert!(begin.elapsed() < PATIENCE, "never {state}; {:?}", self.complaints());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the first element that a selector finds has this text.
    #[track_caller]
    pub fn wait_for_text(&mut self, selector: &str, text: &str) {
        let begin = Instant::now();
        while self.text(selector) != text {
            assert!(begin.elapsed() < PATIENCE, "{selector} is {}; {:?}", self.text(selector), self.complaints());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Presses and releases the mouse over the first element that a selector finds.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const box = document.querySelector('{selector}').getBoundingClientRect();
               return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Pixels of the page as shown, RGB or RGBA as rows of 8-bit values, and the number of channels.
    pub fn picture(&mut self) -> (Vec<u8>, usize) {
        let data = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let bytes = base64(data["data"].as_str().expect("a picture"));
        if let Some(folder) = std::env::var_os("MIST_TEST_PICTURES") {
            let path = PathBuf::from(folder).join(format!("{}-{}.png", std::process::id(), self.sent));
            std::fs::write(path, &bytes).expect("a writable folder");
        }
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let frame = reader.next_frame(&mut pixels).expect("pixels");
        (pixels, frame.color_type.samples())
    }

    /// What the page complained about, and what it asked of anybody but its own server or file.
    pub fn complaints(&self) -> Vec<String> {
        let complaint = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => event["params"]["entry"]["level"] == "error",
            Some("Network.requestWillBeSent") => {
                let address = event["params"]["request"]["url"].as_str().unwrap_or_default();
                let own = ["http://127.0.0.1:", "data:", "file:///"];
                !own.iter().any(|own| address.starts_with(own))
            }
            _ => false,
        };
        self.events.iter().filter(complaint).map(Value::to_string).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Decodes base64 (RFC 4648).
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> =
        text.bytes().filter_map(|byte| Some(ALPHABET.iter().position(|digit| *digit == byte)? as u32)).collect();
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    for group in digits.chunks(4) {
        let bits = group.iter().enumerate().fold(0, |bits, (i, digit)| bits | digit << (18 - 6 * i));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}
