//! `logs/fold_<k>/training.svg`: losses, Dice and learning rate over the epochs, to look at in any browser.

use super::history::{Epoch, History};
use crate::text::escaped;
use std::fmt::Write;

const WIDTH: f64 = 760.0;
const PANEL_HEIGHT: f64 = 200.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 34.0;
/// Lines across a panel, besides its frame.
const GRID_LINES: usize = 4;

/// Curves whose names find room beside their panel.
const NAMED: usize = 10;

/// Told apart with every kind of colour vision (Okabe and Ito 2008).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

struct Curve {
    name: String,
    /// `(epoch, value)`.
    points: Vec<(f64, f64)>,
}

impl Curve {
    fn new(name: impl Into<String>, epochs: &[Epoch], value: impl Fn(&Epoch) -> Option<f64>) -> Self {
        let finite = |epoch: &Epoch| value(epoch).filter(|value| value.is_finite());
        let points = epochs.iter().filter_map(|epoch| Some((epoch.number as f64, finite(epoch)?))).collect();
        Self { name: name.into(), points }
    }
}

/// The picture as text.
pub fn svg(title: &str, history: &History) -> String {
    let epochs = history.epochs();
    let losses = vec![
        Curve::new("training", epochs, |epoch| Some(epoch.training_loss)),
        Curve::new("validation", epochs, |epoch| Some(epoch.validation_loss)),
    ];
    let dice = history.names().iter().enumerate();
    let dice = dice.map(|(index, name)| Curve::new(name.replace('_', " "), epochs, |epoch| epoch.dice[index]));
    let rate = vec![Curve::new("learning rate", epochs, |epoch| Some(epoch.learning_rate))];
    let panels = [("loss", losses), ("validation Dice", dice.collect()), ("learning rate", rate)];
    let last = epochs.last().map_or(1.0, |epoch| epoch.number as f64);

    let height = TOP + panels.len() as f64 * (PANEL_HEIGHT + BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"15\">{}</text>\n",
        escaped(title)
    );
    for (index, (name, curves)) in panels.iter().enumerate() {
        panel(&mut svg, TOP + index as f64 * (PANEL_HEIGHT + BOTTOM), name, curves, last);
    }
    svg + "</svg>\n"
}

fn panel(svg: &mut String, top: f64, name: &str, curves: &[Curve], last: f64) {
    let values = || curves.iter().flat_map(|curve| curve.points.iter().map(|(_, value)| *value));
    let (mut low, mut high) = values().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        (low, high) = (0.0, 1.0);
    }
    if high - low < 1e-12 {
        (low, high) = (low - 0.5 * low.abs().max(1e-6), high + 0.5 * high.abs().max(1e-6));
    }
    let (right, bottom) = (WIDTH - RIGHT, top + PANEL_HEIGHT);
    let across = (last - 1.0).max(1.0);
    let x = |epoch: f64| LEFT + (epoch - 1.0) / across * (right - LEFT);
    let y = |value: f64| bottom - (value - low) / (high - low) * PANEL_HEIGHT;
    if let Some(more) = curves.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let y = top + 14.0 + 18.0 * NAMED as f64;
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{y}\">and {more} more</text>", right + 12.0);
    }
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{}\" height=\"{PANEL_HEIGHT}\" fill=\"none\" stroke=\"#888\"/>\n\
         <text transform=\"translate(14 {}) rotate(-90)\" text-anchor=\"middle\">{name}</text>",
        right - LEFT,
        top + PANEL_HEIGHT / 2.0
    );
    for line in 0..=GRID_LINES {
        let value = low + (high - low) * line as f64 / GRID_LINES as f64;
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{0:.1}\" y2=\"{0:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{3}</text>",
            y(value),
            LEFT - 6.0,
            y(value) + 4.0,
            short(value)
        );
    }
    for (name, epoch) in [("epoch ", 1.0), ("", last)] {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}{epoch}</text>",
            x(epoch),
            bottom + 16.0
        );
    }
    for (index, curve) in curves.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let points: Vec<String> =
            curve.points.iter().map(|(epoch, value)| format!("{:.1},{:.1}", x(*epoch), y(*value))).collect();
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" points=\"{}\"/>",
            points.join(" ")
        );
        let Some((epoch, value)) = curve.points.last() else { continue };
        if index >= NAMED {
            continue;
        }
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"{colour}\">{} {}</text>",
            x(*epoch),
            y(*value),
            right + 12.0,
            top + 14.0 + 18.0 * index as f64,
            escaped(&curve.name),
            short(*value)
        );
    }
}

/// Four significant digits.
fn short(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude > 0.0 && !(1e-3..1e5).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let decimals = if magnitude >= 100.0 { 1 } else { 4 };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(number: usize) -> Epoch {
        Epoch {
            number,
            learning_rate: 1e-3,
            loss_weight: None,
            training_loss: 1.0 / number as f64,
            validation_loss: f64::INFINITY,
            steps_per_second: None,
            waiting: None,
            dice: vec![Some(0.5), None],
        }
    }

    #[test]
    fn every_curve_stays_inside_the_picture() {
        let folder = tempfile::tempdir().unwrap();
        let mut history =
            History::open(folder.path(), &["label_1".into(), "label_4".into()], 0, &crate::console::Silent).unwrap();
        assert!(svg("empty", &history).ends_with("</svg>\n"));
        (1..=3).for_each(|number| history.add(epoch(number)).unwrap());
        let picture = svg("fold 0 of <mine>", &history);
        assert!(picture.contains("fold 0 of &lt;mine&gt;"));
        assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
        // From top to bottom of the first panel: 1, 1/2, 1/3.
        assert!(picture.contains("points=\"70.0,34.0 330.0,184.0 590.0,234.0\""), "{picture}");
        assert_eq!(picture.matches("<polyline").count(), 5);

        let names: Vec<String> = (1..=40).map(|label| format!("label_{label}")).collect();
        let mut history = History::open(folder.path(), &names, 0, &crate::console::Silent).unwrap();
        history.add(Epoch { dice: vec![Some(0.5); 40], ..epoch(1) }).unwrap();
        let picture = svg("many labels", &history);
        assert!(picture.contains("label 10 ") && !picture.contains("label 11 ") && picture.contains("and 30 more"));
    }
}
