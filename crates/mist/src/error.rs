//! The one error a stage returns: what failed, where, why, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

/// Result of a stage.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who has to act, and so which exit status the program ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line was wrong (exit status 2).
    Usage,
    /// The work could not be done (exit status 1).
    Failure,
    /// The work is done and the answer is no; it has been printed (exit status 1).
    Told,
    /// The user asked to stop (exit status 130). What is on the disk is complete; the hint says how to go on.
    Interrupted,
}

/// *What, where, why, hint.* Built where the file, case and stage are known; printed by the command line.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    kind: Kind,
    what: String,
    place: Option<String>,
    why: Option<String>,
    hint: Option<String>,
}

impl Error {
    /// A failure of the work itself.
    pub fn new(what: impl Into<String>) -> Self {
        Self { kind: Kind::Failure, what: what.into(), place: None, why: None, hint: None }
    }

    /// A mistake on the command line.
    pub fn usage(what: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, ..Self::new(what) }
    }

    /// A mistake on the command line, such as the name of a file that is not what it has to be.
    pub fn into_usage(self) -> Self {
        Self { kind: Kind::Usage, ..self }
    }

    /// No failure: a question of which the answer, no, has been printed.
    pub fn told(what: impl Into<String>) -> Self {
        Self { kind: Kind::Told, ..Self::new(what) }
    }

    /// A stop that the user asked for.
    pub fn interrupted(what: impl Into<String>) -> Self {
        Self { kind: Kind::Interrupted, ..Self::new(what) }
    }

    /// The file or folder concerned.
    pub fn at(self, path: impl AsRef<Path>) -> Self {
        self.place(path.as_ref().display().to_string())
    }

    /// Any other place: a key path, a case, a row.
    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.place = Some(match self.place {
            Some(inner) => format!("{}: {inner}", place.into()),
            None => place.into(),
        });
        self
    }

    /// The cause.
    pub fn because(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// What the reader can do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the reader can do to go on, where this is a stop that was asked for; each command knows that for itself.
    pub fn if_interrupted(self, hint: &str) -> Self {
        match self.kind {
            Kind::Interrupted => self.hint(hint),
            Kind::Usage | Kind::Failure | Kind::Told => self,
        }
    }

    /// Who has to act.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `what: why; hint`, for a list whose lines begin with the place.
    pub fn without_place(&self) -> String {
        let parts =
            [Some(self.what.as_str()), self.why.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ");
        self.hint.as_ref().map_or_else(|| parts.clone(), |hint| format!("{parts}; {hint}"))
    }

    /// The advice, if there is any.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// `what (where): why`; the hint is printed apart by the command line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        if let Some(why) = &self.why {
            write!(f, ": {why}")?;
        }
        Ok(())
    }
}

/// A case that a stage had to leave out. Collected, listed at the end, and reflected in the exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFailure {
    /// Case id.
    pub id: String,
    /// The stage or file phase in which it failed, as a gerund: `reading`, `resampling`, `writing`.
    pub stage: String,
    /// The file concerned, where one is.
    pub file: Option<PathBuf>,
    /// Why.
    pub reason: String,
}

impl CaseFailure {
    /// Adds the failures of a later stage to those of earlier ones. A case that has failed before is left out: that it is
    /// missing now is a consequence.
    pub fn add_later(earlier: &mut Vec<Self>, mut later: Vec<Self>) {
        later.retain(|failure| earlier.iter().all(|before| before.id != failure.id));
        earlier.append(&mut later);
    }
}

impl fmt::Display for CaseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: failed while {}", self.id, self.stage)?;
        if let Some(file) = &self.file {
            write!(f, " {}", file.display())?;
        }
        write!(f, ": {}", self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(id: &str, stage: &str) -> CaseFailure {
        CaseFailure { id: id.into(), stage: stage.into(), file: None, reason: "broken".into() }
    }

    #[test]
    fn consequences_of_an_earlier_failure_are_not_listed_again() {
        let mut failures = vec![failure("a", "reading")];
        // Two problems of one stage are two problems.
        let later = vec![failure("a", "pairing"), failure("b", "predicting"), failure("b", "writing")];
        CaseFailure::add_later(&mut failures, later);
        assert_eq!(failures, [failure("a", "reading"), failure("b", "predicting"), failure("b", "writing")]);
    }
}
