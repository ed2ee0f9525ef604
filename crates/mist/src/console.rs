//! What a stage tells a person while it works. Stages speak through this trait; the command line decides how it looks.

mod training;

pub use training::{EpochResult, Pace, TimeLeft, TrainingPlan, TrainingStatus, TrainingView, ValidationStatus};

/// Receiver of messages and progress. Called from several threads.
pub trait Console: Sync {
    /// Title of a part of the work.
    fn section(&self, title: &str);
    /// Plain information.
    fn info(&self, text: &str);
    /// Something the reader should act on, that does not stop the work.
    fn warn(&self, text: &str);
    /// A failure that was counted but did not stop the work.
    fn error(&self, text: &str);
    /// The work is done.
    fn success(&self, text: &str);
    /// Starts a progress bar over `total` items.
    fn bar(&self, title: &str, total: u64) -> Box<dyn Bar>;
    /// Shows the training of a fold.
    fn training(&self, plan: TrainingPlan, status: TrainingStatus) -> Box<dyn TrainingView>;
}

/// A progress bar; finished when dropped.
pub trait Bar: Send + Sync {
    /// `count` more items are done.
    fn advance(&self, count: u64);
    /// Text shown beside the bar, such as the current loss.
    fn message(&self, text: &str);
}

/// Says nothing; for tests and for callers that only want the result.
pub struct Silent;

struct SilentBar;

impl TrainingView for SilentBar {
    fn update(&self, _: &TrainingStatus) {}
    fn finished(&self, _: &EpochResult) {}
}

impl Bar for SilentBar {
    fn advance(&self, _: u64) {}
    fn message(&self, _: &str) {}
}

impl Console for Silent {
    fn section(&self, _: &str) {}
    fn info(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn error(&self, _: &str) {}
    fn success(&self, _: &str) {}
    fn bar(&self, _: &str, _: u64) -> Box<dyn Bar> {
        Box::new(SilentBar)
    }
    fn training(&self, _: TrainingPlan, _: TrainingStatus) -> Box<dyn TrainingView> {
        Box::new(SilentBar)
    }
}
