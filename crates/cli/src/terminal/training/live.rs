//! The training of a fold on a terminal.

use super::super::print_line;
use super::layout::Picture;
use super::words;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use mist::console::{EpochResult, TrainingPlan, TrainingStatus, TrainingView};
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Between two drawings.
const TICK: Duration = Duration::from_millis(200);

/// Columns where the terminal does not tell.
const WIDTH: usize = 80;

/// What is drawn is taken from here whenever it is time to draw, so that an update only copies numbers.
struct Scene {
    plan: TrainingPlan,
    status: TrainingStatus,
    last: Option<EpochResult>,
    begin: Instant,
    updated: Instant,
    ended: bool,
}

pub(in super::super) struct LiveTraining {
    scene: Arc<Mutex<Scene>>,
    bars: MultiProgress,
    bar: ProgressBar,
    colours: bool,
}

impl LiveTraining {
    pub(in super::super) fn new(
        bars: &MultiProgress,
        plan: TrainingPlan,
        status: TrainingStatus,
        colours: bool,
    ) -> Self {
        let (last, now) = (plan.last.clone(), Instant::now());
        let scene = Arc::new(Mutex::new(Scene { plan, status, last, begin: now, updated: now, ended: false }));
        let drawn = scene.clone();
        let draw = move |_: &ProgressState, text: &mut dyn Write| {
            let _ = text.write_str(&lock(&drawn).lines(colours).join("\n"));
        };
        let style = ProgressStyle::with_template("{view}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bars.add(ProgressBar::new(1).with_style(style.with_key("view", draw)));
        bar.enable_steady_tick(TICK);
        Self { scene, bars: bars.clone(), bar, colours }
    }
}

fn lock(scene: &Mutex<Scene>) -> MutexGuard<'_, Scene> {
    scene.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scene {
    fn lines(&self, colours: bool) -> Vec<String> {
        let width = console::Term::stdout().size_checked().map_or(WIDTH, |(_, columns)| usize::from(columns));
        let picture = Picture {
            plan: &self.plan,
            status: self.status,
            last: self.last.as_ref(),
            resident: mist::memory::resident(),
            elapsed: self.begin.elapsed().as_secs_f64(),
            age: self.updated.elapsed().as_secs_f64(),
            ended: self.ended,
        };
        picture.lines(width, colours)
    }
}

impl TrainingView for LiveTraining {
    fn update(&self, status: &TrainingStatus) {
        let mut scene = lock(&self.scene);
        (scene.status, scene.updated) = (*status, Instant::now());
    }

    fn finished(&self, epoch: &EpochResult) {
        let EpochResult { number, training_loss, validation_loss, .. } = epoch;
        let verdict = words::verdict(epoch);
        let line = format!(
            "Epoch {number}: training loss {training_loss:.4}, validation loss {validation_loss:.4}, {verdict}"
        );
        lock(&self.scene).last = Some(epoch.clone());
        self.bars.suspend(|| print_line(&line));
    }
}

/// The last state becomes ordinary text: what is only abandoned goes when the next message comes.
impl Drop for LiveTraining {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        let mut scene = lock(&self.scene);
        scene.ended = true;
        self.bars.suspend(|| scene.lines(self.colours).iter().for_each(|line| print_line(line)));
    }
}
