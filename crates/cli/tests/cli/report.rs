//! `mist report`: the file, and the page in a browser.

use crate::scans::{HOSTILE, evaluated};
use crate::shell::Shell;

#[test]
fn what_is_no_run_and_what_is_no_page_are_errors() {
    let shell = Shell::new();
    shell.mist("report nowhere").exits(1).stderr_has("there is no such folder");
    shell.mist("report .").exits(1).stderr_has("config.json").stderr_has("hint: ");
    shell.mist("report . --pictures -1").exits(2).stderr_has("--pictures");
}

#[test]
fn the_page_is_written_where_it_was_asked_for() {
    let shell = evaluated();
    shell.mist("report --output pages/run.html --pictures 0").exits(0).stdout_has("pages/run.html");
    let page = std::fs::read_to_string(shell.path("pages/run.html")).expect("a page");
    assert!(page.contains("<h1>hippocampus</h1>") && !page.contains("data:image/png"), "{page}");
    shell.mist("report --output results/config.json").exits(2).stderr_has("end it in .html");
    assert!(!shell.path("results/report.html").exists());
}

#[cfg(unix)]
#[test]
fn the_page_in_a_browser() {
    use crate::browser::Browser;

    let shell = evaluated();
    shell.mist("report").exits(0).stdout_has("results/report.html");
    let Some(mut browser) = Browser::start() else { return };
    let address = format!("file://{}", shell.path("results/report.html").display());
    browser.open(&address);
    browser.wait_for_text("h1", "hippocampus");

    // First what matters most.
    let lead = browser.text(".lead");
    assert!(lead.starts_with("6 cases, all scored by models that had not seen them."), "{lead}");
    assert!(lead.contains("1 thing needs a look"), "{lead}");
    assert!(browser.text(".problems").contains("036"), "{}", browser.text(".problems"));

    // Worst case first: its scan is gone. The next one has three planes with both outlines.
    assert_eq!(browser.text("article:nth-of-type(1) h4"), "036");
    assert!(browser.text("article:nth-of-type(1)").contains("No picture: the scan is gone"));
    assert_eq!(browser.text("article:nth-of-type(2) h4"), "015");
    let planes = "[...document.querySelectorAll('article:nth-of-type(2) img')].map((image) => image.naturalWidth > 50)";
    assert_eq!(browser.value(planes), serde_json::json!([true, true, true]));
    browser.picture();
    browser.value("document.querySelector('article:nth-of-type(2)').scrollIntoView()");
    let (pixels, channels) = browser.picture();
    let count = |colour: [u8; 3]| pixels.chunks_exact(channels).filter(|pixel| pixel[..3] == colour).count();
    let (prediction, both) = (count([255, 60, 255]), count([255, 255, 255]));
    assert!(prediction > 100 && both > 100, "{prediction} pixels of the island, {both} where the outlines agree");

    // Names are text, and the table is sorted by a click.
    assert_eq!(browser.value("document.querySelectorAll('img[onerror], script[src]').length"), 0);
    let names = "[...document.querySelectorAll('table.sortable tbody tr')].map((row) => row.cells[0].textContent)";
    assert!(browser.value(names).as_array().is_some_and(|names| names.contains(&HOSTILE.into())));
    browser.value("document.querySelector('table.sortable th').click()");
    let sorted = browser.value(names);
    assert_eq!(sorted[0], HOSTILE, "{sorted}");
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
}
