//! What a user sees, as text.

use super::layout::Picture;
use super::plain::PlainTraining;
use console::{measure_text_width, strip_ansi_codes};
use mist::console::{EpochResult, Pace, TimeLeft, TrainingPlan, TrainingStatus, TrainingView, ValidationStatus};
use std::sync::Mutex;

fn plan() -> TrainingPlan {
    TrainingPlan {
        fold: 1,
        position: 2,
        folds: 5,
        epochs: 300,
        steps: 250,
        validation_cases: 36,
        names: vec!["label_1".into(), "label_2".into()],
        allowed_bytes: Some(1.2e10),
        last: None,
    }
}

const STATUS: TrainingStatus = TrainingStatus {
    epoch: 14,
    step: 120,
    loss: Some(0.23142),
    learning_rate: 9.8e-4,
    pace: Some(Pace { steps_per_second: 3.12, waiting: 0.023 }),
    validation: None,
    left: Some(TimeLeft { fold: 24_060.0, all: 124_500.0 }),
};

fn last() -> EpochResult {
    EpochResult {
        number: 13,
        training_loss: 0.2405,
        validation_loss: 0.2101,
        best_before: Some(0.1987),
        best_epoch: Some(12),
        dice: vec![Some(0.871), Some(0.862)],
    }
}

fn picture<'a>(plan: &'a TrainingPlan, last: Option<&'a EpochResult>) -> Picture<'a> {
    Picture { plan, status: STATUS, last, resident: Some(1.23e9), elapsed: 1042.0, age: 0.0, ended: false }
}

/// The lines at several widths, each width with a ruler.
fn seen(picture: &Picture) -> String {
    let at = |width: usize| {
        let lines = picture.lines(width, false);
        format!("{:-<width$}\n{}\n", format!("{width} "), lines.join("\n"))
    };
    [100, 80, 60, 40].map(at).concat()
}

#[test]
fn a_fold_in_the_middle_of_an_epoch() {
    insta::assert_snapshot!(seen(&picture(&plan(), Some(&last()))));
}

#[test]
fn a_fold_before_its_first_step() {
    let plan = TrainingPlan { folds: 1, position: 1, ..plan() };
    let status = TrainingStatus { epoch: 1, step: 0, loss: None, pace: None, left: None, ..STATUS };
    insta::assert_snapshot!(seen(&Picture { status, ..picture(&plan, None) }));
}

#[test]
fn a_validation_of_many_classes() {
    let names: Vec<String> = (1..=20).map(|label| format!("label_{label}")).collect();
    let dice = (0..20).map(|class| (class != 1).then_some(0.8 + f64::from(class) / 100.0)).collect();
    let (plan, last) = (TrainingPlan { names, allowed_bytes: None, ..plan() }, EpochResult { dice, ..last() });
    let validation = Some(ValidationStatus { cases: 9, loss: Some(0.2033) });
    let status = TrainingStatus { step: 250, validation, ..STATUS };
    insta::assert_snapshot!(seen(&Picture { status, ..picture(&plan, Some(&last)) }));
}

#[test]
fn a_fold_that_is_done() {
    let validation = Some(ValidationStatus { cases: 36, loss: Some(0.1874) });
    let left = Some(TimeLeft { fold: 0.0, all: 99_000.0 });
    let status = TrainingStatus { epoch: 300, step: 250, validation, left, ..STATUS };
    let last = EpochResult { number: 300, validation_loss: 0.1874, best_epoch: Some(300), ..last() };
    insta::assert_snapshot!(seen(&Picture { status, ended: true, ..picture(&plan(), Some(&last)) }));
}

#[test]
fn lines_are_never_wider_than_the_terminal_and_need_no_colour() {
    let (plan, last) = (plan(), last());
    let long =
        TrainingPlan { names: vec!["Läsion, 病变".into(), "a region with a long name".into()], ..plan.clone() };
    for plan in [&plan, &long] {
        for last in [None, Some(&last)] {
            let picture = picture(plan, last);
            for width in 1..160 {
                let lines = picture.lines(width, false);
                assert_eq!(lines.len(), 5);
                for line in &lines {
                    assert!(measure_text_width(line) <= width, "{width}: {line}");
                    assert!(!line.contains('\x1b'), "{line:?}");
                }
                let coloured: Vec<String> =
                    picture.lines(width, true).iter().map(|line| strip_ansi_codes(line).into_owned()).collect();
                assert_eq!(coloured, lines);
            }
        }
    }
    assert!(picture(&plan, Some(&last)).lines(100, true).concat().contains('\x1b'));
}

static PRINTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[test]
fn a_log_file_gets_one_line_for_an_epoch_and_one_for_what_was_cut_off() {
    let print = |text: &str| PRINTED.lock().expect("no panic").push(text.to_owned());
    let view = PlainTraining::new(plan(), TrainingStatus { step: 0, ..STATUS }, print);
    (0..=250).for_each(|step| view.update(&TrainingStatus { step, ..STATUS }));
    (0..=36).for_each(|cases| {
        let validation = Some(ValidationStatus { cases, loss: Some(0.2) });
        view.update(&TrainingStatus { step: 250, validation, ..STATUS });
    });
    view.finished(&EpochResult { number: 14, validation_loss: 0.1874, best_epoch: Some(14), ..last() });
    view.update(&TrainingStatus { epoch: 15, step: 0, ..STATUS });
    view.update(&TrainingStatus { epoch: 15, step: 7, ..STATUS });
    drop(view);
    let lines = PRINTED.lock().expect("no panic");
    // What the process takes is never the same.
    let memory = |line: &String| match line.split_once(" of 12.0 GB") {
        Some((before, after)) => {
            format!("{}<memory> of 12.0 GB{after}", &before[..=before.rfind(", ").unwrap_or(0) + 1])
        }
        None => line.clone(),
    };
    insta::assert_snapshot!(lines.iter().map(memory).collect::<Vec<_>>().join("\n"));
}
