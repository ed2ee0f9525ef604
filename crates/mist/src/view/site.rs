//! Which address stands for what.

use super::Viewer;
use super::address::{Ticket, Token};
use super::answer::Answer;
use crate::cases::layer::{self, Unshown};
use crate::cases::{Case, Catalogue, Comparison};
use crate::error::Result;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

const PAGE: &[u8] = include_bytes!("../../assets/view/index.html");
const SCRIPT: &[u8] = include_bytes!("../../assets/view/view.js");
const STYLE: &[u8] = include_bytes!("../../assets/view/view.css");

/// A request, as far as it matters.
pub(super) struct Asked<'a> {
    /// Whether it only reads (GET or HEAD).
    pub(super) reads: bool,
    /// Values of its `Host` headers.
    pub(super) hosts: &'a [&'a str],
    /// The path, as the browser sent it.
    pub(super) path: &'a str,
}

/// Everything there is to see.
pub(super) struct Site {
    token: Token,
    ticket: Ticket,
    catalogue: Catalogue,
    viewer: Viewer,
    /// The case that was compared last, for the requests that follow one another when it is opened.
    compared: Mutex<Option<(usize, Arc<Comparison>)>>,
}

impl Site {
    /// `viewer` draws the volumes.
    pub(super) fn new(catalogue: Catalogue, viewer: Viewer) -> Result<Self> {
        Ok(Self { token: Token::new()?, ticket: Ticket::new()?, catalogue, viewer, compared: Mutex::new(None) })
    }

    /// Address of the page.
    pub(super) fn address(&self, port: u16) -> String {
        format!("http://127.0.0.1:{port}/{}/", self.token.as_str())
    }

    /// Address that leads to the page once.
    pub(super) fn first_address(&self, port: u16) -> String {
        format!("http://127.0.0.1:{port}/{}", self.ticket.as_str())
    }

    /// Looks at who asks and for what.
    pub(super) fn answer(&self, asked: &Asked) -> Answer {
        if !asked.reads {
            return Answer::refusal(405, "this server only shows; ask with GET");
        }
        if !matches!(asked.hosts, [host] if is_this_computer(host)) {
            return Answer::refusal(403, "this server answers for 127.0.0.1 and localhost alone");
        }
        let path = asked.path.strip_prefix('/').unwrap_or_default();
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let (token, rest) = path.split_once('/').map_or((path, None), |(token, rest)| (token, Some(rest)));
        match rest {
            Some(rest) if self.token.is(token) => self.show(rest).unwrap_or_else(|refusal| refusal),
            None if self.token.is(token) || self.ticket.takes(token) => {
                Answer::redirect(format!("/{}/", self.token.as_str()))
            }
            _ => Answer::refusal(403, "this is not the address that `mist view` printed; open that one"),
        }
    }

    /// What lies under the token.
    fn show(&self, path: &str) -> Result<Answer, Answer> {
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            [""] => Ok(Answer::new("text/html; charset=utf-8", PAGE)),
            ["view.js"] => Ok(Answer::new("text/javascript; charset=utf-8", SCRIPT)),
            ["view.css"] => Ok(Answer::new("text/css; charset=utf-8", STYLE)),
            ["niivue.js"] => Ok(Answer::new("text/javascript; charset=utf-8", self.viewer.script)),
            ["licences.txt"] => Ok(Answer::new("text/plain; charset=utf-8", self.viewer.licences.as_bytes())),
            ["cases.json"] => Ok(json(&self.catalogue.to_json())),
            ["case", case, "scan", channel] => self.scan(self.case(case)?.1, channel),
            ["case", case, "truth.nii"] => self.mask(self.case(case)?, |case| &case.truth),
            ["case", case, "prediction.nii"] => self.mask(self.case(case)?, |case| &case.prediction),
            ["case", case, "errors.nii"] => {
                layer::bytes(&self.comparison(self.case(case)?)?.errors).map(volume).map_err(gone)
            }
            ["case", case, "errors.json"] => {
                let comparison = self.comparison(self.case(case)?)?;
                Ok(json(&comparison.to_json(&self.catalogue.labels)))
            }
            _ => Err(Answer::refusal(404, "there is nothing under this address")),
        }
    }

    /// The case with this number.
    fn case(&self, number: &str) -> Result<(usize, &Case), Answer> {
        let position = index(number);
        let found = position.and_then(|position| Some((position, self.catalogue.cases.get(position)?)));
        found.ok_or_else(|| Answer::refusal(404, "there is no such case"))
    }

    /// `<channel>.nii`.
    fn scan(&self, case: &Case, name: &str) -> Result<Answer, Answer> {
        let channel = name.strip_suffix(".nii").and_then(index);
        let scan = channel.and_then(|channel| case.scans.get(channel));
        let scan = scan.ok_or_else(|| Answer::refusal(404, "the case has no such scan"))?;
        layer::scan(scan).map(volume).map_err(gone)
    }

    fn mask(
        &self,
        (_, case): (usize, &Case),
        which: fn(&Case) -> &Option<std::path::PathBuf>,
    ) -> Result<Answer, Answer> {
        let path: Option<&Path> = which(case).as_deref();
        let path = path.ok_or_else(|| Answer::refusal(404, "the case has no such mask"))?;
        let mask = layer::mask(path, &self.catalogue.labels).and_then(|mask| layer::bytes(&mask));
        mask.map(volume).map_err(gone)
    }

    fn comparison(&self, (position, case): (usize, &Case)) -> Result<Arc<Comparison>, Answer> {
        let (Some(truth), Some(prediction)) = (&case.truth, &case.prediction) else {
            return Err(Answer::refusal(404, "the case has no truth and prediction to compare"));
        };
        // Held while comparing: the next request wants the same.
        let mut kept = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, comparison)) = kept.as_ref().filter(|(of, _)| *of == position) {
            return Ok(comparison.clone());
        }
        let labels = &self.catalogue.labels;
        let comparison = Arc::new(Comparison::of(truth, prediction, labels).map_err(gone)?);
        *kept = Some((position, comparison.clone()));
        Ok(comparison)
    }
}

/// Whether a `Host` header names this computer; the port may be another one, where ssh forwards it. A page of another
/// site that has its name point here (DNS rebinding) sends that name.
fn is_this_computer(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost")
}

/// A number as this page writes it: digits, no sign.
fn index(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn volume(bytes: Vec<u8>) -> Answer {
    Answer::new("application/octet-stream", bytes)
}

fn json(value: &serde_json::Value) -> Answer {
    Answer::new("application/json", value.to_string().into_bytes())
}

fn gone(reason: Unshown) -> Answer {
    Answer::refusal(404, reason.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cases::testing::{run, write};

    /// A site with cases of every kind.
    pub(in super::super) fn site() -> (tempfile::TempDir, Site) {
        let (folder, catalogue) = run();
        (folder, Site::new(catalogue, Viewer { script: b"// the viewer", licences: "free" }).unwrap())
    }

    fn get(site: &Site, rest: &str) -> Answer {
        let path = format!("/{}/{rest}", site.token.as_str());
        site.answer(&Asked { reads: true, hosts: &["127.0.0.1:8000"], path: &path })
    }

    fn text(answer: &Answer) -> String {
        String::from_utf8_lossy(&answer.body).into_owned()
    }

    #[test]
    fn page_list_and_volumes_are_there() {
        let (_folder, site) = site();
        for (path, content_type) in [
            ("", "text/html; charset=utf-8"),
            ("view.js", "text/javascript; charset=utf-8"),
            ("view.css", "text/css; charset=utf-8"),
            ("niivue.js", "text/javascript; charset=utf-8"),
            ("licences.txt", "text/plain; charset=utf-8"),
            ("cases.json", "application/json"),
            ("cases.json?again", "application/json"),
            ("case/0/scan/0.nii", "application/octet-stream"),
            ("case/0/truth.nii", "application/octet-stream"),
            ("case/0/prediction.nii", "application/octet-stream"),
            ("case/0/errors.nii", "application/octet-stream"),
            ("case/0/errors.json", "application/json"),
        ] {
            let answer = get(&site, path);
            assert_eq!((answer.status, answer.content_type), (200, content_type), "{path}: {}", text(&answer));
        }
        // 1, 1, 4 and 1, 0, 4, 7 as positions of the labels 0, 1 and 4.
        let values = |path| get(&site, path).body[352..356].to_vec();
        assert_eq!(values("case/0/truth.nii"), [1, 1, 2, 0]);
        assert_eq!(values("case/0/prediction.nii"), [1, 0, 2, 255]);
        assert_eq!(values("case/0/errors.nii"), [0, 1, 0, 2]);
        let errors: serde_json::Value = serde_json::from_slice(&get(&site, "case/0/errors.json").body).unwrap();
        assert_eq!((&errors["count"], &errors["places"][0]["truth"]), (&2.into(), &"liver".into()));
        assert_eq!(errors["places"][0]["position"], serde_json::json!([-1.0, -0.0, 0.0]));
    }

    #[test]
    fn nobody_else_gets_anything() {
        let (_folder, site) = site();
        let token = site.token.as_str().to_owned();
        let page = format!("/{token}/");
        let status = |reads, hosts: &[&str], path: &str| site.answer(&Asked { reads, hosts, path }).status;
        for host in ["127.0.0.1:8000", "127.0.0.1", "localhost:1", "LocalHost"] {
            assert_eq!(status(true, &[host], &page), 200, "{host}");
        }
        let foreign = [
            "example.org",
            "example.org:8000",
            "127.0.0.1.example.org",
            "localhost.example.org",
            "10.0.0.1",
            "",
            "[::1]:80",
        ];
        for host in foreign {
            assert_eq!(status(true, &[host], &page), 403, "{host}");
        }
        assert_eq!(status(true, &[], &page), 403);
        assert_eq!(status(true, &["127.0.0.1", "example.org"], &page), 403);
        assert_eq!(status(false, &["127.0.0.1"], &page), 405);
        let upper = format!("/{}/", token.to_uppercase());
        for path in [
            "",
            "/",
            "//",
            "/view.js",
            "/cases.json",
            "/../",
            &upper,
            &page[1..],
            &format!("/{}/", &token[1..]),
            &format!("/x{page}"),
        ] {
            // A token of digits alone has no upper case.
            if path != page {
                assert_eq!(status(true, &["127.0.0.1"], path), 403, "{path}");
            }
        }
    }

    #[test]
    fn nothing_that_is_asked_for_becomes_a_path() {
        let (_folder, site) = site();
        for path in [
            "index.html",
            "../",
            "..%2f..%2fetc%2fpasswd",
            "../../../../etc/passwd",
            "/etc/passwd",
            "config.json",
            "case",
            "case/",
            "case/99/truth.nii",
            "case/-1/truth.nii",
            "case/+0/truth.nii",
            "case/0",
            "case/0/",
            "case/0/scan/1.nii",
            "case/0/scan/0",
            "case/0/scan/.nii",
            "case/0/scan/../truth.nii",
            "case/0/truth.nii/",
            "case/0/truth.nii.gz",
            "case/99999999999999999999999/truth.nii",
            "case/0/\0",
        ] {
            let answer = get(&site, path);
            assert_eq!(answer.status, 404, "{path}: {}", text(&answer));
        }
    }

    #[test]
    fn what_cannot_be_shown_is_refused_with_the_reason() {
        let (folder, site) = site();
        // In the list: bad, no_scan, the hostile one, good, broken, untrained, new.
        let reason = |path: &str| {
            let answer = get(&site, path);
            assert_eq!(answer.status, 404, "{path}");
            text(&answer)
        };
        assert!(reason("case/1/scan/0.nii").ends_with("no_scan.nii.gz is gone"));
        assert_eq!(reason("case/4/scan/0.nii"), "the case has no such scan");
        assert_eq!(reason("case/5/prediction.nii"), "the case has no such mask");
        assert_eq!(reason("case/6/errors.json"), "the case has no truth and prediction to compare");
        // A table may name any file; what is no image is not handed out.
        std::fs::write(folder.path().join("scans/bad.nii.gz"), "root:x:0:0").unwrap();
        let reason_of_no_image = reason("case/0/scan/0.nii");
        assert!(!reason_of_no_image.contains("root"), "{reason_of_no_image}");
        // Masks of another size.
        let other = mist_volume::Volume::filled(mist_volume::Geometry::axis_aligned([2, 2, 2], [1.0; 3]), 1_u8);
        mist_volume::nifti::write(&folder.path().join("masks/good.nii.gz"), &other).unwrap();
        assert!(reason("case/3/errors.json").contains("do not lie on the same grid"));
        assert_eq!(get(&site, "case/3/truth.nii").status, 200);
        // Mended while the page is open.
        write(&folder.path().join("scans/no_scan.nii.gz"), &[1.0]);
        assert_eq!(get(&site, "case/1/scan/0.nii").status, 200);
    }

    #[test]
    fn the_first_address_works_once_and_leads_to_the_page() {
        let (_folder, site) = site();
        let first = site.first_address(80);
        let path = first.strip_prefix("http://127.0.0.1:80").unwrap();
        let open = || site.answer(&Asked { reads: true, hosts: &["127.0.0.1:80"], path });
        let answer = open();
        assert_eq!(answer.status, 303);
        assert_eq!(answer.location.map(|page| format!("http://127.0.0.1:80{page}")), Some(site.address(80)));
        assert_eq!(open().status, 403);
    }
}
