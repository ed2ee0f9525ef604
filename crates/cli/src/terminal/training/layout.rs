//! From the data to the lines on a terminal of a given width. Lines are shortened where they do not fit, never wrapped:
//! bars go first, then pieces from the right, then the end of the first piece.

use super::words;
use crate::report::styled;
use console::{measure_text_width, truncate_str};
use mist::console::{EpochResult, TrainingPlan, TrainingStatus, ValidationStatus};
use mist::text::duration;

/// Shorter bars show nothing, longer ones no more.
const BAR: std::ops::RangeInclusive<usize> = 8..=60;

const BETWEEN: &str = " · ";
const DIM: &str = "\x1b[2m";
const BLUE: &str = "\x1b[34m";
const BOLD: &str = crate::report::BOLD;

/// Everything that the lines show.
#[derive(Clone, Debug)]
pub(super) struct Picture<'a> {
    pub(super) plan: &'a TrainingPlan,
    pub(super) status: TrainingStatus,
    /// The last epoch that is over.
    pub(super) last: Option<&'a EpochResult>,
    /// Memory of the process in bytes, where the system tells.
    pub(super) resident: Option<f64>,
    /// Seconds since the fold began in this call.
    pub(super) elapsed: f64,
    /// Seconds since the status was taken.
    pub(super) age: f64,
    /// Whether nothing will come any more.
    pub(super) ended: bool,
}

/// A line with a bar in its middle.
struct Progress {
    heading: String,
    /// The same where space is short.
    short_heading: String,
    done: f64,
    remark: Option<String>,
}

impl Picture<'_> {
    /// The lines, none of them wider than `width`.
    pub(super) fn lines(&self, width: usize, colours: bool) -> Vec<String> {
        let mut lines = bars([self.fold(), self.work()], width, colours);
        lines.push(joined("Loss ", &self.losses(), width, colours));
        lines.push(self.dice(width, colours));
        lines.push(joined("", &self.resources(), width, colours));
        lines
    }

    fn fold(&self) -> Progress {
        let (plan, status) = (self.plan, &self.status);
        let epochs = (status.epoch - 1) as f64 + share(status.step, plan.steps);
        let done = epochs / plan.epochs.max(1) as f64;
        let time = match (self.ended, done >= 1.0) {
            (true, true) => Some(format!("took {}", duration(self.elapsed))),
            (true, false) => Some(format!("ended after {}", duration(self.elapsed))),
            (false, _) => words::left(status, self.age),
        };
        let epoch = words::epoch(plan, status.epoch);
        Progress {
            heading: format!("{}, {epoch}", words::fold(plan)),
            short_heading: format!("Fold {}, {epoch}", plan.fold),
            done,
            remark: time,
        }
    }

    fn work(&self) -> Progress {
        let (plan, status) = (self.plan, &self.status);
        let (heading, done, remark) = match status.validation {
            None => {
                let done = share(status.step, plan.steps);
                (format!("Step {}/{}", status.step, plan.steps), done, words::speed(status))
            }
            Some(ValidationStatus { cases, loss }) => {
                let done = share(cases, plan.validation_cases);
                let loss = loss.map(|loss| format!("loss {loss:.4}"));
                (format!("Validation {cases}/{}", plan.validation_cases), done, loss)
            }
        };
        Progress { short_heading: heading.clone(), heading, done, remark }
    }

    fn losses(&self) -> Vec<String> {
        let loss = self.status.loss.map_or("–".to_owned(), |loss| format!("{loss:.4}"));
        let validation = self.last.map(|last| format!("validation {:.4}", last.validation_loss));
        let best = self.last.map(|last| format!("best {}", words::best(last)));
        let rate = Some(words::rate(&self.status));
        std::iter::once(loss).chain([validation, best, rate].into_iter().flatten()).collect()
    }

    /// As many classes as fit, and how many do not.
    fn dice(&self, width: usize, colours: bool) -> String {
        let Some(last) = self.last else {
            return joined("Dice ", &["after the first validation".to_owned()], width, colours);
        };
        let classes = words::dice(self.plan, last);
        let mean = (classes.len() > 1).then(|| format!("mean: {}", words::number(last.mean_dice())));
        let pieces = |shown: usize| -> Vec<String> {
            let hidden = classes.len() - shown;
            let more = (hidden > 0).then(|| format!("+{hidden}"));
            mean.clone().into_iter().chain(classes[..shown].iter().cloned()).chain(more).collect()
        };
        let fits = |pieces: &[String]| measure_text_width("Dice ") + measure_text_width(&pieces.join(BETWEEN)) <= width;
        let shown = (1..=classes.len()).rev().find(|shown| fits(&pieces(*shown))).unwrap_or(0);
        joined("Dice ", &pieces(shown), width, colours)
    }

    fn resources(&self) -> Vec<String> {
        let memory = words::memory(self.plan, self.resident).map(|memory| format!("Memory {memory}"));
        let all = words::all_left(self.plan, &self.status, self.age).filter(|_| !self.ended);
        let all = all.map(|all| format!("{all} left"));
        [memory, words::waiting(&self.status), all].into_iter().flatten().collect()
    }
}

fn share(done: usize, all: usize) -> f64 {
    done as f64 / all.max(1) as f64
}

impl Progress {
    /// What stands after the bar.
    fn right(&self) -> String {
        let percent = format!("{:>5}", words::percent(self.done));
        std::iter::once(percent).chain(self.remark.clone()).collect::<Vec<_>>().join(" ")
    }

    /// The line where there is no room for a bar.
    fn without_bar(&self, width: usize) -> String {
        let percent = words::percent(self.done);
        let pieces = |heading| -> Vec<&str> { [heading].into_iter().chain(self.remark.as_deref()).collect() };
        let (long, short) = (pieces(&self.heading), pieces(&self.short_heading));
        let fits = measure_text_width(&long.join(BETWEEN)) <= width;
        joined_with(BETWEEN, &[if fits { long } else { short }, vec![&percent]].concat(), width)
    }
}

/// Lines whose bars stand below each other.
fn bars(lines: [Progress; 2], width: usize, colours: bool) -> Vec<String> {
    let left = lines.iter().map(|line| measure_text_width(&line.heading)).max().unwrap_or_default();
    let right = lines.iter().map(|line| measure_text_width(&line.right())).max().unwrap_or_default();
    let room = width.saturating_sub(left + right + "  ".len()).min(*BAR.end());
    let line = |line: &Progress| {
        if !BAR.contains(&room) {
            return line.without_bar(width);
        }
        let padding = " ".repeat(left - measure_text_width(&line.heading));
        let heading = styled(colours, BOLD, &line.heading);
        format!("{heading}{padding} {} {}", bar(line.done, room, colours), line.right())
    };
    lines.iter().map(line).collect()
}

/// `━━━━╸────`, in steps of half a cell.
fn bar(done: f64, cells: usize, colours: bool) -> String {
    let halves = (done.clamp(0.0, 1.0) * 2.0 * cells as f64).floor() as usize;
    let mut filled = "━".repeat(halves / 2);
    if halves % 2 == 1 {
        filled.push('╸');
    }
    let rest = "─".repeat(cells - halves.div_ceil(2));
    format!("{}{}", styled(colours, BLUE, &filled), styled(colours, DIM, &rest))
}

/// A heading and as many pieces as fit.
fn joined(heading: &str, pieces: &[String], width: usize, colours: bool) -> String {
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let heading = truncate_str(heading, width, "");
    let rest = joined_with(BETWEEN, &pieces, width - measure_text_width(&heading));
    format!("{}{rest}", styled(colours && !heading.is_empty(), BOLD, &heading))
}

/// As many pieces as fit; of the first one as much as fits.
fn joined_with(between: &str, pieces: &[&str], width: usize) -> String {
    let count = (1..=pieces.len()).rev().find(|count| measure_text_width(&pieces[..*count].join(between)) <= width);
    match (count, pieces.first()) {
        (Some(count), _) => pieces[..count].join(between),
        (None, Some(first)) if width > 0 => truncate_str(first, width, "…").into_owned(),
        (None, _) => String::new(),
    }
}
