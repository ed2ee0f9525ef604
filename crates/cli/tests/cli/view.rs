//! `mist view`: the server as a process, and the page in a browser.

use crate::shell::Shell;
use sha2::{Digest, Sha256};
use std::path::Path;

#[test]
fn the_viewer_is_the_one_that_npm_has() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/niivue");
    let script = std::fs::read(folder.join("niivue.umd.js")).expect("the script");
    let known = std::fs::read_to_string(folder.join("niivue.umd.js.sha256")).expect("its checksum");
    let found: String = Sha256::digest(script).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(known.split_whitespace().next(), Some(found.as_str()));
}

#[cfg(not(feature = "view"))]
#[test]
fn a_program_without_the_viewer_says_how_to_get_it() {
    Shell::new()
        .mist("view results")
        .exits(1)
        .stderr_has("built without the viewer")
        .stderr_has("hint: build it with `cargo install --path crates/cli --features view`");
}

#[cfg(feature = "view")]
#[test]
fn what_is_no_results_folder_is_an_error() {
    let shell = Shell::new();
    shell.mist("view --no-browser").exits(1).stderr_has("results");
    shell.mist("view . --no-browser").exits(1).stderr_has("config.json").stderr_has("hint: ");
}

#[test]
fn wrong_ports_are_refused() {
    let shell = Shell::new();
    for port in ["0", "-1", "65536", "http"] {
        shell.mist(&format!("view --port {port}")).exits(2).stderr_has("--port");
    }
}

#[cfg(all(unix, feature = "view"))]
mod served {
    use crate::browser::Browser;
    use crate::scans::{HOSTILE, ISLAND, evaluated};
    use crate::shell::Shell;
    use mist_volume::nifti;
    use serde_json::json;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    use std::process::{Child, ChildStdout, Command, Stdio};

    /// A running `mist view`, its output so far, and the address that it printed.
    struct Served {
        child: Child,
        output: BufReader<ChildStdout>,
        address: String,
    }

    impl Served {
        fn start(shell: &Shell) -> Self {
            let mut command = Command::new(env!("CARGO_BIN_EXE_mist"));
            command.args(["view", "results", "--no-browser"]).current_dir(shell.path(""));
            let mut child = command.stdout(Stdio::piped()).spawn().expect("a program that starts");
            let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
            let mut line = String::new();
            while !line.contains("http://") {
                line.clear();
                assert!(output.read_line(&mut line).expect("text") > 0, "no address");
            }
            Self { child, output, address: line.trim().to_owned() }
        }

        /// Ctrl-C; returns the exit status and the rest of the output.
        fn interrupt(&mut self) -> (Option<i32>, String) {
            let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().expect("kill");
            assert!(sent.success());
            let mut rest = String::new();
            self.output.read_to_string(&mut rest).expect("text");
            (self.child.wait().expect("an end").code(), rest)
        }
    }

    impl Drop for Served {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[test]
    fn the_server_answers_until_ctrl_c() {
        let mut served = Served::start(&evaluated());
        let (host, path) = served.address.trim_start_matches("http://").split_once('/').expect("a path");
        let get = |path: &str| {
            let mut stream = TcpStream::connect(host).expect("a server");
            write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("sent");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).expect("an answer");
            String::from_utf8_lossy(&answer).into_owned()
        };
        assert!(host.starts_with("127.0.0.1:"), "{host}");
        assert!(get(&format!("/{path}cases.json")).contains("\"id\":\"036\""));
        assert!(get(&format!("/{path}niivue.js")).starts_with("HTTP/1.1 200"));
        assert!(get("/").starts_with("HTTP/1.1 403"));
        let idle = TcpStream::connect(host).expect("a connection that stays open");
        let (status, rest) = served.interrupt();
        assert_eq!(status, Some(0), "{rest}");
        drop(idle);
    }

    #[test]
    fn the_page_shows_the_worst_case_and_jumps_to_its_largest_error() {
        let Some(mut browser) = Browser::start() else { return };
        let shell = evaluated();
        let mut served = Served::start(&shell);
        browser.open(&served.address);

        // The worst case comes first, and its scan is gone: the reason stands in the list and in place of the picture.
        browser.wait_for("failed");
        assert!(browser.text("tr.case").starts_with("036 ⚠0.000"), "{}", browser.text("tr.case"));
        assert!(browser.text("#message").contains("036/mr.nii.gz is gone"), "{}", browser.text("#message"));
        assert!(browser.text("#problems").contains("the scan is gone"));

        // The next one is shown, at the middle of its largest error.
        browser.click("tr.case:nth-of-type(3)");
        browser.wait_for("ready");
        assert!(browser.text("#name").starts_with("015"));
        let voxels = (2 * ISLAND.1 + 1).pow(3);
        let error = browser.text("#error");
        assert!(error.starts_with("Error 1 of 1: mostly class_2 where there is none"), "{error}");
        assert!(error.ends_with(&format!("({voxels} voxels)")), "{error}");
        let scan = nifti::read(&shell.path("data/train/015/mr.nii.gz")).expect("a scan");
        let [left, posterior, superior] = scan.geometry().physical_point(ISLAND.0.map(|index| index as f64));
        let place = format!("{:.1}, {:.1}, {superior:.1} mm (RAS)", -left, -posterior);
        let location = browser.text("#location");
        assert!(location.starts_with(&place), "{location} is not {place}");
        assert!(location.ends_with("truth background · prediction class_2"), "{location}");

        // Elsewhere, a click leads back.
        browser.value("moveTo([0, 0, 0])");
        assert!(!browser.text("#location").starts_with(&place));
        browser.click("#largest");
        assert!(browser.text("#location").starts_with(&place));

        // The scan is grey, the second label blue.
        let colours = |browser: &mut Browser| {
            let (pixels, channels) = browser.picture();
            let of = |fits: fn(i32, i32, i32) -> bool| {
                let pixels = pixels.chunks_exact(channels);
                pixels.filter(|pixel| fits(pixel[0].into(), pixel[1].into(), pixel[2].into())).count()
            };
            let grey = of(|r, g, b| r == g && g == b && (60..250).contains(&r));
            (grey, of(|r, g, b| b > 140 && b > g + 20 && g > r + 20))
        };
        let (grey, blue) = colours(&mut browser);
        assert!(grey > 10_000 && blue > 2_000, "{grey} grey and {blue} blue pixels");
        browser.click("#prediction");
        let (_, without) = colours(&mut browser);
        assert!(without < blue / 2, "{without} of {blue} blue pixels without the prediction");

        // Names from files are text.
        let names =
            browser.value("[...document.querySelectorAll('tr.case td:first-child')].map((cell) => cell.textContent)");
        assert!(names.as_array().is_some_and(|names| names.contains(&json!(HOSTILE))), "{names}");
        assert_eq!(browser.value("document.images.length"), 0);
        assert_eq!(browser.value("document.title"), "mist view: hippocampus");

        // An address may name a case.
        browser.value("location.hash = '130'");
        browser.wait_for_text("#error", "The prediction agrees with the truth everywhere.");
        assert!(browser.text("#name").starts_with("130"));

        // One complaint is expected, that of the scan that is gone.
        let complaints = browser.complaints();
        let others: Vec<&String> = complaints.iter().filter(|text| !text.contains("/scan/0.nii")).collect();
        assert!(others.is_empty(), "{others:?}");
        assert_eq!(served.interrupt().0, Some(0));
    }
}
