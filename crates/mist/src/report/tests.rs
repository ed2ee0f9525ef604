//! The page as a whole.

use super::*;
use crate::cases::testing::{self, HOSTILE};
use crate::console::Silent;

/// A run of every kind of case with its page.
fn page(options: impl FnOnce(Options) -> Options) -> (tempfile::TempDir, String) {
    let (folder, _) = testing::run();
    testing::config().save(&folder.path().join("config.json")).unwrap();
    let logs = folder.path().join("logs/fold_1");
    std::fs::create_dir_all(&logs).unwrap();
    std::fs::write(logs.join("training.svg"), "<svg onload=\"alert(1)\"/>").unwrap();
    let runs = folder.path().join("runs");
    std::fs::create_dir_all(&runs).unwrap();
    let record = r#"{"program": "mist <1>", "command_line": ["mist", "train"], "started_unix_seconds": 951868800}"#;
    std::fs::write(runs.join("train_1.json"), record).unwrap();
    let predicted = r#"{"cases": [{"id": "new", "images": [], "warnings": ["the scan is <odd>"]}]}"#;
    std::fs::write(folder.path().join("predictions/test/predict_report.json"), predicted).unwrap();
    let options = options(Options { results: folder.path().to_owned(), output: None, pictures: 2, ranking: None });
    let failures = run(&options, &Silent).unwrap();
    assert_eq!(failures, []);
    let page = std::fs::read_to_string(options.output.unwrap_or(folder.path().join("report.html"))).unwrap();
    (folder, page)
}

#[test]
fn the_page_says_everything_and_nothing_on_it_is_from_elsewhere() {
    let (_, page) = page(|options| options);
    for text in [
        "6 cases, 4 of them scored by models that had not seen them, 1 more case to segment.",
        "<b>untrained</b>: there is no prediction; `mist train --folds 2` makes it",
        "<b>broken</b>: broken: failed while reading /x.nii.gz: it ends early",
        "<b>new</b>: prediction: the scan is &lt;odd&gt;",
        "No curves of the folds 0, 2, 3, 4",
        "<h3>Worst, where truth and prediction differ most</h3>",
        "<dt>modality</dt><dd>CT</dd>",
        "<td>2000-03-01 00:00</td><td>mist &lt;1&gt;</td>",
        "<summary>config.json</summary>",
    ] {
        assert!(page.contains(text), "{text}");
    }
    // Addresses of what a page loads stand in these.
    let loaded: Vec<&str> = ["src=\"", "href=\"", "url("].iter().flat_map(|mark| page.split(mark).skip(1)).collect();
    assert!(!loaded.is_empty() && loaded.iter().all(|address| address.starts_with("data:image/")));
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn what_files_say_is_text() {
    let (_, page) = page(|options| options);
    assert!(!page.contains(HOSTILE) && !page.contains("<img src=x"), "an id is markup");
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&amp;&#39;"), "the id is shown");
    assert!(!page.contains("onload"), "a picture of curves is an image");
}

#[test]
fn worst_and_best_cases_have_pictures_or_a_reason() {
    let (_, page) = page(|options| Options { pictures: 1, ..options });
    let articles: Vec<&str> = page.split("<article>").skip(1).collect();
    assert_eq!(articles.len(), 2);
    assert!(articles[0].contains("<h4>bad</h4>") && articles[0].matches("data:image/png").count() == 3);
    assert!(articles[1].contains("<h4>good</h4>"));
    let (_, page) = self::page(|options| Options { pictures: 2, ..options });
    assert!(page.contains("No picture: the scan is gone: "), "no_scan is the second worst");
}

#[test]
fn a_ranking_is_shown_and_a_missing_one_is_an_error() {
    let (folder, page) = page(|options| {
        let ranking = options.results.join("ranks.csv");
        std::fs::write(&ranking, "strategy,average_rank\nb & c,1.25\n").unwrap();
        Options { ranking: Some(ranking), ..options }
    });
    assert!(page.contains("<td>b &amp; c</td><td class=\"number\">1.25</td>"));
    let options = Options {
        results: folder.path().to_owned(),
        output: None,
        pictures: 0,
        ranking: Some(folder.path().join("nowhere.csv")),
    };
    assert!(run(&options, &Silent).unwrap_err().to_string().contains("nowhere.csv"));
}

#[test]
fn a_run_that_has_only_been_analysed_has_a_page() {
    let (folder, _) = testing::run();
    testing::config().save(&folder.path().join("config.json")).unwrap();
    for gone in ["results.csv", "left_out.csv", "test_paths.csv"] {
        std::fs::remove_file(folder.path().join(gone)).unwrap();
    }
    std::fs::remove_dir_all(folder.path().join("predictions")).unwrap();
    let options = Options { results: folder.path().to_owned(), output: None, pictures: 3, ranking: None };
    run(&options, &Silent).unwrap();
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("5 cases, none of them scored yet."), "{page}");
    assert!(page.contains("`mist finalize` writes it"));
}

#[test]
fn only_a_page_is_replaced() {
    let (folder, _) = testing::run();
    testing::config().save(&folder.path().join("config.json")).unwrap();
    let to = |output: &str| {
        let output = Some(folder.path().join(output));
        let options = Options { results: folder.path().to_owned(), output, pictures: 0, ranking: None };
        run(&options, &Silent).unwrap_err()
    };
    assert_eq!(to("config.json").kind(), crate::error::Kind::Usage);
    std::fs::create_dir(folder.path().join("folder.html")).unwrap();
    assert!(to("folder.html").to_string().contains("there is a folder"));
}
