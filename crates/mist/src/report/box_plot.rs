//! Box plots of the scores: one picture per metric, one box per class, one point per case.

use super::scores::{Column, ScoreTable};
use crate::evaluate::aggregate;
use crate::text::escaped;
use mist_metrics::metric::{self, Direction, Worst};
use std::fmt::Write;

const BOX: f64 = 64.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 58.0;
const TOP: f64 = 16.0;
/// Room for the names of the classes, which are slanted.
const BOTTOM: f64 = 96.0;
/// Lines across the picture, about.
const LINES: f64 = 5.0;
/// Whiskers end at the last case within this many times the interquartile range from the box (Tukey 1977).
const WHISKER: f64 = 1.5;
/// Classes in one picture; more are not legible.
const CLASSES: usize = 40;

/// One picture per metric; empty without scores.
pub(super) fn section(scores: &ScoreTable) -> String {
    let mut markup = String::new();
    for metric in scores.metrics() {
        let of_metric = |column: &&Column| column.metric == metric && !column.values.is_empty();
        let columns: Vec<&Column> = scores.columns.iter().filter(of_metric).collect();
        if columns.is_empty() {
            continue;
        }
        let more = columns.len().saturating_sub(CLASSES);
        let rest = if more > 0 { format!("; {more} more classes are in the table below") } else { String::new() };
        let picture = picture(&columns[..columns.len().min(CLASSES)]);
        let name = escaped(metric);
        let meaning = meaning(metric);
        markup += &format!("<figure>{picture}<figcaption>{name}{meaning}{rest}</figcaption></figure>\n");
    }
    if markup.is_empty() {
        return markup;
    }
    format!(
        "<p>The box holds the middle half of the cases, the line in it is the median; whiskers reach to the last case within \
         {WHISKER} times the box. Each point is a case: hold the pointer over it for its name.</p>\n\
         <div class=\"plots\">\n{markup}</div>\n"
    )
}

/// Unit and direction of a metric; nothing for other scores.
fn meaning(name: &str) -> String {
    let Some(metric) = metric::find(name) else { return String::new() };
    let better = match metric.direction {
        Direction::Higher => "higher is better",
        Direction::Lower => "lower is better",
    };
    let unit = if metric.worst == Worst::ImageDiagonal { "mm, " } else { "" };
    format!(" ({unit}{better})")
}

/// Quartiles and ends of the whiskers of ascending values.
struct Summary {
    quartiles: [f64; 3],
    whiskers: [f64; 2],
}

impl Summary {
    fn of(values: &[f64]) -> Option<Self> {
        let [_, _, lower, median, upper] = aggregate(&values.iter().map(|value| Some(*value)).collect::<Vec<_>>());
        let (lower, median, upper) = (lower?, median?, upper?);
        let reach = WHISKER * (upper - lower);
        let within = |value: &&f64| (lower - reach..=upper + reach).contains(*value);
        let inside = || values.iter().filter(within).copied();
        let whiskers = [inside().fold(f64::INFINITY, f64::min), inside().fold(f64::NEG_INFINITY, f64::max)];
        Some(Self { quartiles: [lower, median, upper], whiskers })
    }
}

/// The values that the picture spans, and the distance of its lines: from 0 to 1 where all are shares, else from 0, or the
/// least, to the largest, in steps of 1, 2 or 5 times a power of ten.
fn span(columns: &[&Column]) -> ([f64; 2], f64) {
    let values = || columns.iter().flat_map(|column| column.values.iter().map(|(_, value)| *value));
    let (least, most) = (values().fold(0.0, f64::min), values().fold(f64::MIN_POSITIVE, f64::max));
    if least >= 0.0 && most <= 1.0 {
        return ([0.0, 1.0], 1.0 / LINES);
    }
    let rough = (most - least) / LINES;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    ([(least / step).floor() * step, (most / step).ceil() * step], step)
}

fn picture(columns: &[&Column]) -> String {
    let ([least, most], step) = span(columns);
    let width = LEFT + BOX * columns.len() as f64 + 40.0;
    let y = |value: f64| TOP + HEIGHT * (1.0 - (value - least) / (most - least));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {}\" width=\"{width}\" role=\"img\" class=\"plot\">\n",
        TOP + HEIGHT + BOTTOM
    );
    let digits = (-step.log10().floor()).max(0.0) as usize;
    for line in 0..=((most - least) / step).round() as usize {
        let value = least + step * line as f64;
        let text = format!("{value:.digits$}");
        let (y, right) = (y(value), width - 30.0);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            LEFT - 8.0,
            y + 4.0
        );
    }
    for (position, column) in columns.iter().enumerate() {
        add_box(&mut svg, LEFT + BOX * (position as f64 + 0.5), column, &y);
    }
    svg + "</svg>"
}

/// A box with its whiskers and points around `x`.
fn add_box(svg: &mut String, x: f64, column: &Column, y: &dyn Fn(f64) -> f64) {
    let values: Vec<f64> = column.values.iter().map(|(_, value)| *value).collect();
    let Some(Summary { quartiles: [lower, median, upper], whiskers: [low, high] }) = Summary::of(&values) else {
        return;
    };
    let (left, right) = (x - BOX / 4.0, x + BOX / 4.0);
    let _ = writeln!(
        svg,
        "<path class=\"box\" d=\"M{x:.1} {:.1}V{:.1}M{x:.1} {:.1}V{:.1}M{left:.1} {:.1}H{right:.1}V{:.1}H{left:.1}Z\"/>\
         <path class=\"median\" d=\"M{left:.1} {:.1}H{right:.1}\"/>",
        y(high),
        y(upper),
        y(lower),
        y(low),
        y(upper),
        y(lower),
        y(median)
    );
    for (position, (id, value)) in column.values.iter().enumerate() {
        // Golden-ratio steps spread the points evenly, the same way each time.
        let spread = (position as f64 * 0.618_033_988_75).fract() - 0.5;
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\"><title>{}: {value:.4}</title></circle>",
            x + spread * BOX / 2.5,
            y(*value),
            escaped(id)
        );
    }
    let (name, below) = (escaped(&column.class), TOP + HEIGHT + 16.0);
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"end\" transform=\"rotate(-35 {x:.1} {below})\">{name}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[f64]) -> Column {
        let values = values.iter().enumerate().map(|(id, value)| (format!("case <{id}>"), *value)).collect();
        Column { class: "a & b".into(), metric: "dice".into(), values }
    }

    #[test]
    fn whiskers_end_at_cases_and_leave_outliers_out() {
        let summary = Summary::of(&[0.1, 0.7, 0.8, 0.85, 0.9]).unwrap();
        assert_eq!(summary.quartiles, [0.7, 0.8, 0.85]);
        // 0.1 is more than 1.5 · 0.15 below the box.
        assert_eq!(summary.whiskers, [0.7, 0.9]);
        let one = Summary::of(&[3.0]).unwrap();
        assert_eq!((one.quartiles, one.whiskers), ([3.0; 3], [3.0; 2]));
        assert!(Summary::of(&[]).is_none());
    }

    #[test]
    fn shares_span_zero_to_one_and_distances_what_they_need() {
        assert_eq!(span(&[&column(&[0.5, 0.9])]), ([0.0, 1.0], 0.2));
        assert_eq!(span(&[&column(&[0.5, 17.0])]), ([0.0, 20.0], 5.0));
        assert_eq!(span(&[&column(&[-3.0, 3.0])]), ([-4.0, 4.0], 2.0));
    }

    #[test]
    fn names_are_escaped_everywhere() {
        let svg = picture(&[&column(&[0.25])]);
        assert!(svg.contains("<title>case &lt;0&gt;: 0.2500</title>"), "{svg}");
        assert!(svg.contains(">a &amp; b</text>"), "{svg}");
    }
}
