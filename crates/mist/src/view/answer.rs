//! What the server says, apart from the connection it says it on.

use std::borrow::Cow;

/// Runs and shows what comes from this server, and nothing else. NiiVue's letters are a picture inside its script, hence
/// `data:`.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                                 img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Status, type and content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Cow<'static, [u8]>,
    /// Where the browser is to go instead.
    pub(super) location: Option<String>,
}

impl Answer {
    pub(super) fn new(content_type: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Self {
        Self { status: 200, content_type, body: body.into(), location: None }
    }

    /// A refusal with its reason, as plain text.
    pub(super) fn refusal(status: u16, reason: impl Into<String>) -> Self {
        Self { status, ..Self::new("text/plain; charset=utf-8", reason.into().into_bytes()) }
    }

    /// Sends the browser to another address of this server.
    pub(super) fn redirect(location: String) -> Self {
        Self { status: 303, location: Some(location), ..Self::new("text/plain; charset=utf-8", &b""[..]) }
    }

    /// Names and values of the headers.
    pub(super) fn headers(&self) -> Vec<(&'static str, &str)> {
        let mut headers = vec![
            ("Content-Type", self.content_type),
            ("Content-Security-Policy", POLICY),
            ("Cache-Control", "no-store"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
        ];
        headers.extend(self.location.as_deref().map(|location| ("Location", location)));
        headers
    }
}
