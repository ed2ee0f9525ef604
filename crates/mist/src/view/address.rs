//! The part of the address that nobody can guess.

use crate::error::{Error, Result};
use std::hint::black_box;
use std::sync::{Mutex, PoisonError};

/// 128 random bits as 32 hexadecimal digits.
pub(super) struct Token(String);

impl Token {
    /// From the generator of the operating system.
    pub(super) fn new() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| Error::new("the system gives no random numbers").because(error))?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The digits.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` is the token. Takes the same time wherever a wrong text differs.
    pub(super) fn is(&self, text: &str) -> bool {
        let (own, other) = (self.0.as_bytes(), text.as_bytes());
        own.len() == other.len()
            && black_box(own.iter().zip(other).fold(0, |seen, (a, b)| black_box(seen | (a ^ b)))) == 0
    }
}

/// A token that opens the page once. The command line of a browser, which other users of the computer can list, holds this
/// one and not the token of the page.
pub(super) struct Ticket {
    token: Token,
    used: Mutex<bool>,
}

impl Ticket {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { token: Token::new()?, used: Mutex::new(false) })
    }

    /// The digits.
    pub(super) fn as_str(&self) -> &str {
        self.token.as_str()
    }

    /// True the first time that `text` is the ticket.
    pub(super) fn takes(&self, text: &str) -> bool {
        self.token.is(text) && !std::mem::replace(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_the_token() {
        let (token, other) = (Token::new().unwrap(), Token::new().unwrap());
        assert_eq!(token.as_str().len(), 32);
        assert!(token.is(token.as_str()));
        for wrong in ["", other.as_str(), &token.as_str()[1..], &format!("{}0", token.as_str())] {
            assert!(!token.is(wrong), "{wrong}");
        }
        for position in 0..32 {
            let mut wrong = token.as_str().to_owned();
            let changed = if &wrong[position..=position] == "0" { "1" } else { "0" };
            wrong.replace_range(position..=position, changed);
            assert!(!token.is(&wrong));
        }
    }

    #[test]
    fn a_ticket_is_taken_once() {
        let ticket = Ticket::new().unwrap();
        assert!(!ticket.takes("other"));
        assert!(ticket.takes(ticket.as_str()));
        assert!(!ticket.takes(ticket.as_str()));
    }
}
