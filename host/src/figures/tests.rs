//! Every figure on awkward data: nothing is written outside its canvas or over other text.

mod drawing;

use super::*;
use crate::data::{Axis, Map};
use crate::plot::canvas::text_width;
use crate::plot::{Figure, draw_svg};

/// A text of an SVG and the box it fills, in canvas units.
#[derive(Debug)]
struct Text {
    content: String,
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

/// Value of an attribute of a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[start..].split('"').next()
}

/// Number of an attribute that has to be there.
fn number(tag: &str, name: &str) -> f64 {
    let value = attribute(tag, name).unwrap_or_else(|| panic!("no {name} in {tag}"));
    value.parse().unwrap()
}

/// All texts of an SVG, as wide as the font it was laid out with makes them.
fn texts(svg: &str) -> Vec<Text> {
    let tags = svg.split("<text").skip(1);
    tags.map(|rest| {
        let (tag, rest) = rest.split_once('>').unwrap();
        let content = rest.split("</text>").next().unwrap().trim();
        let content = content.replace("&lt;", "<").replace("&gt;", ">");
        let size = number(tag, "font-size") * FONT_SIZE;
        let (x, y) = (number(tag, "x") as i32, number(tag, "y") as i32);
        let width = text_width(&content, size);
        // Capitals and digits, without the air of a line.
        let half = (size * 0.36) as i32;
        let before = match attribute(tag, "text-anchor").unwrap() {
            "start" => 0,
            "middle" => width / 2,
            "end" => width,
            other => panic!("unknown anchor {other}"),
        };
        let (left, top, right, bottom) = if tag.contains("rotate(270") {
            (x - half, y - (width - before), x + half, y + before)
        } else {
            (x - before, y - half, x + width - before, y + half)
        };
        Text {
            content,
            left,
            top,
            right,
            bottom,
        }
    })
    .collect()
}

/// plotters states font sizes divided by this.
const FONT_SIZE: f64 = 1.24;

/// Draws, checks the texts, and returns what they say.
fn drawn(figure: &dyn Figure) -> Vec<String> {
    let svg = draw_svg(figure).unwrap();
    let texts = texts(&svg);
    let (width, height) = figure.size();
    for (i, text) in texts.iter().enumerate() {
        assert!(
            text.left >= 0
                && text.top >= 0
                && text.right <= width.cast_signed()
                && text.bottom <= height.cast_signed(),
            "outside {width} x {height}: {text:?}"
        );
        for other in &texts[..i] {
            let apart = text.left >= other.right
                || other.left >= text.right
                || text.top >= other.bottom
                || other.top >= text.bottom;
            assert!(apart, "{text:?} overlaps {other:?}");
        }
    }
    texts.into_iter().map(|text| text.content).collect()
}

fn contains(texts: &[String], wanted: &str) {
    assert!(
        texts.iter().any(|text| text == wanted),
        "{wanted} is not among {texts:?}"
    );
}

const LONG: &str = "secondary electron yield after background subtraction and drift correction";
const NAMES: [&str; 8] = [
    "beacon",
    "beacon-elite",
    "beacon-structure",
    "ei",
    "mu",
    "random",
    "farthest",
    LONG,
];

/// Images that are hard to lay out: small, flat, upright, constant, minute and huge values,
/// without calibration and with.
fn maps() -> Vec<Map> {
    let map = |height: usize, width: usize, units: &str, value: &dyn Fn(usize) -> f64| {
        let axis = |name: &str, size: usize| Axis {
            units: units.to_owned(),
            scale: 0.03,
            ..Axis::pixels(name, size)
        };
        Map {
            values: (0..height * width).map(value).collect(),
            rows: axis("y", height),
            columns: axis("x", width),
            quantity: LONG.to_owned(),
            units: "counts per second".to_owned(),
        }
    };
    vec![
        map(64, 64, "px", &|i| i as f64),
        map(64, 64, "nm", &|_| 1e-12),
        map(12, 90, "nm", &|i| 1e6 + (i % 7) as f64 / 7.0),
        map(12, 90, "px", &|i| -1e6 * (i % 7) as f64),
        map(90, 12, "µm", &|i| 1e-12 * i as f64),
        map(90, 12, "px", &|_| 0.0),
        map(64, 64, "nm", &|_| f64::NAN),
    ]
}

fn trajectory<'a>(strategy: &'a str, steps: &'a [(usize, usize)]) -> Trajectory<'a> {
    Trajectory {
        strategy,
        seeds: &[(5, 5), (9, 2)],
        steps,
        ..Trajectory::default()
    }
}

#[test]
fn maps_side_by_side_keep_their_texts_apart() {
    for map in &maps() {
        let texts = drawn(&OverviewFigure {
            image: map,
            target: Some(map),
        });
        contains(&texts, "image");
        contains(&texts, "target");
        drawn(&OverviewFigure {
            image: map,
            target: None,
        });
        drawn(&SurrogateFigure {
            title: "map to publish",
            mean: map,
            sigma: map,
            truth: Some(map),
        });
    }
}

#[test]
fn trajectories_are_named_whatever_their_number() {
    let steps: Vec<(usize, usize)> = (0..40).map(|i| (i * 5 % 12, i * 7 % 12)).collect();
    for map in &maps() {
        for count in 0..=NAMES.len() {
            for steps in [&steps[..0], &steps[..1], &steps] {
                let campaigns: Vec<_> = NAMES[..count]
                    .iter()
                    .map(|name| trajectory(name, steps))
                    .collect();
                let texts = drawn(&TrajectoriesFigure {
                    background: map,
                    campaigns: &campaigns,
                });
                // Names are only cut where the images are narrower than they are.
                if map.width() > 12 {
                    for name in &NAMES[..count.min(7)] {
                        contains(&texts, name);
                    }
                }
            }
        }
    }
}

/// Curves of so many strategies and steps, of magnitude `unit`.
pub(crate) fn panels(
    strategies: usize,
    steps: usize,
    unit: f64,
    check: impl Fn(&[StrategyResult<'_>]),
) {
    let values: Vec<Vec<f64>> = (0..strategies)
        .map(|s| (0..steps).map(|i| unit * (s + i) as f64 / 100.0).collect())
        .collect();
    let shares: Vec<Vec<f64>> = (0..strategies)
        .map(|s| (0..steps).map(|i| (s + i) as f64 / 300.0).collect())
        .collect();
    let results: Vec<StrategyResult<'_>> = (0..strategies)
        .map(|s| {
            let values = Progress {
                mean: &values[s],
                sd: Some(&shares[s]),
            };
            let shares = Progress::of_one(&shares[s]);
            StrategyResult {
                trajectory: trajectory(NAMES[s], &[]),
                metrics: Metrics {
                    mae: values,
                    surrogate_mean: values,
                    surrogate_sigma: values,
                    target_coverage: shares,
                    patch_coverage: shares,
                    range_coverage: Progress::default(),
                    latent_coverage: Progress::default(),
                    ..Metrics::default()
                },
                times: StepTimes {
                    measuring: values.mean,
                    training: shares.mean,
                    deciding: &[],
                },
            }
        })
        .collect();
    check(&results);
}

/// The same results of two responses, whose errors are those of the first result.
pub(crate) fn with_errors(results: &[StrategyResult<'_>], check: impl Fn(&[StrategyResult<'_>])) {
    let error = results.first().map(|result| result.metrics.mae);
    let errors = ["line:Pd-La", "component:2/3"].map(|response| ResponseErrors {
        response,
        units: "counts",
        mae: error.unwrap_or_default(),
        nlpd: error.unwrap_or_default(),
    });
    let results = results.iter().map(|result| StrategyResult {
        metrics: Metrics {
            errors: &errors,
            ..result.metrics
        },
        ..*result
    });
    check(&results.collect::<Vec<_>>());
}

#[test]
fn curves_keep_their_texts_apart_for_any_number_of_strategies_and_steps() {
    for strategies in [0, 1, 3, 8] {
        for steps in [1, 2, 300] {
            for unit in [1e-12, 1.0, 1e6] {
                panels(strategies, steps, unit, |results| {
                    let learning = PanelsFigure::learning(results, "counts per second");
                    let texts = drawn(&learning);
                    for result in results.iter().take(7) {
                        contains(&texts, result.trajectory.strategy);
                    }
                    drawn(&PanelsFigure::coverage(results));
                    with_errors(results, |results| {
                        let texts = drawn(&PanelsFigure::errors(results));
                        let named = !results.is_empty();
                        // With a power of ten before the unit where the numbers need one.
                        let is_title = |text: &String| {
                            text.starts_with("NLPD of line:Pd-La (") && text.ends_with("nats)")
                        };
                        assert_eq!(texts.iter().any(is_title), named, "{texts:?}");
                    });
                    let times: Vec<_> = results
                        .iter()
                        .map(|result| (result.trajectory.strategy, result.times))
                        .collect();
                    drawn(&TimesFigure {
                        campaigns: &times,
                        marks: &[],
                        narrow: false,
                    });
                });
            }
        }
    }
}

#[test]
fn a_quantity_that_nobody_knows_has_no_panel() {
    panels(2, 30, 1.0, |results| {
        let coverage = PanelsFigure::coverage(results);
        let quantities: Vec<_> = coverage
            .panels
            .iter()
            .map(|panel| &*panel.quantity)
            .collect();
        assert_eq!(quantities, ["target coverage", "patch coverage"]);
        let texts = drawn(&coverage);
        contains(&texts, "patch coverage");
        assert!(!texts.iter().any(|text| text == "latent coverage"));
        let learning = drawn(&PanelsFigure::learning(results, "V"));
        for quantity in ["MAE (V)", "surrogate mean (V)", "surrogate uncertainty (V)"] {
            contains(&learning, quantity);
        }
    });
}

#[test]
fn curves_of_the_target_are_not_joined_over_a_change_of_target() {
    panels(1, 30, 1.0, |results| {
        let lines = |breaks: &[usize]| {
            let figure = PanelsFigure::learning(results, "counts").broken(breaks);
            let panels = figure.panels.len();
            (
                draw_svg(&figure).unwrap().matches("<polyline").count(),
                panels,
            )
        };
        let (whole, panels) = lines(&[]);
        assert_eq!(lines(&[12]).0, whole + panels);
    });
}

#[test]
fn strategies_are_named_in_one_order_in_every_figure() {
    panels(3, 30, 1.0, |results| {
        let names: Vec<&str> = results.iter().map(|of| of.trajectory.strategy).collect();
        let key = |figure: PanelsFigure<'_>| -> Vec<String> {
            let texts = drawn(&figure).into_iter();
            let named = texts.filter(|text| names.contains(&text.as_str()));
            named.take(names.len()).collect()
        };
        let learning = key(PanelsFigure::learning(results, "V"));
        assert_eq!(learning.len(), 3);
        assert_eq!(learning, key(PanelsFigure::coverage(results)));
    });
}

/// Steps that train take a hundred thousand times as long as those that do not.
#[test]
fn training_is_a_dot_a_step_in_the_figure_of_times() {
    let training: Vec<f64> = (0..40)
        .map(|n| if n % 2 == 0 { 1.0 } else { 1e-5 })
        .collect();
    let times = StepTimes {
        training: &training,
        ..StepTimes::default()
    };
    let svg = draw_svg(&TimesFigure {
        campaigns: &[("beacon", times)],
        marks: &[],
        narrow: false,
    })
    .unwrap();
    assert!(svg.matches("<circle").count() >= 40);
}

#[test]
fn only_what_took_time_is_in_the_key_of_times() {
    panels(1, 30, 1.0, |results| {
        let campaigns = [("beacon", results[0].times)];
        let texts = drawn(&TimesFigure {
            campaigns: &campaigns,
            marks: &[],
            narrow: false,
        });
        contains(&texts, "measuring");
        contains(&texts, "time per step (s)");
        assert!(!texts.iter().any(|text| text == "deciding"));
    });
}

#[test]
fn laws_of_growth_are_named_with_their_exponents_and_costs_without_one_are_not() {
    let square: Vec<(f64, f64)> = (1..6)
        .map(|i| f64::from(i * 100))
        .map(|n| (n, 1e-5 * n * n))
        .collect();
    let panel = |size, costs: &[&'static str]| GrowthPanel {
        size,
        costs: costs
            .iter()
            .map(|label| Growth {
                label,
                points: &square,
            })
            .collect(),
    };
    let texts = drawn(&GrowthFigure {
        unit: "decisions",
        panels: vec![
            panel("points", &["a", "b", "c", "d", "e"]),
            panel("pixels", &["f"]),
        ],
    });
    for text in [
        "cost (decisions)",
        "points",
        "pixels",
        "a ^2.00",
        "e ^2.00",
        "f ^2.00",
    ] {
        contains(&texts, text);
    }
    for points in [&square[..0], &square[..1]] {
        let costs = vec![Growth {
            label: "alone",
            points,
        }];
        let panels = vec![GrowthPanel {
            size: "points",
            costs,
        }];
        let texts = drawn(&GrowthFigure { unit: "", panels });
        assert!(!texts.iter().any(|text| text.contains("alone")));
    }
}

#[test]
fn spectra_and_loops_keep_their_texts_apart() {
    let coordinates: Vec<f64> = (0..=200).map(|i| f64::from(i) / 10.0).collect();
    let markers = line_markers(["Cu", "Pd", "Ti", "Au", "O", "C", "Ag"]);
    for unit in [1e-12, 1.0, 1e6] {
        let values: Vec<f64> = (0..=200).map(|i| unit * f64::from(i * i % 31)).collect();
        for count in 0..=6 {
            let labels: Vec<String> = (0..count).map(|i| format!("row {i}, column 3")).collect();
            let spectra: Vec<Spectrum<'_>> = labels
                .iter()
                .map(|label| Spectrum {
                    label,
                    values: &values,
                })
                .collect();
            for arrangement in [
                Arrangement::Stacked,
                Arrangement::Overlaid,
                Arrangement::Loops,
            ] {
                let texts = drawn(&SpectraFigure {
                    axis: LONG,
                    axis_units: "keV",
                    coordinates: &coordinates,
                    quantity: LONG,
                    units: "counts",
                    spectra: &spectra,
                    markers: &markers,
                    shades: &[],
                    range: Some((0.0, 12.0)),
                    arrangement,
                    narrow: false,
                });
                if arrangement != Arrangement::Loops {
                    contains(&texts, "Pd Lα");
                }
                let named = |label: &String| texts.iter().any(|text| text.starts_with(label));
                assert!(labels.iter().all(named), "{texts:?}");
            }
        }
    }
}

#[test]
fn the_latent_plane_keeps_its_texts_apart() {
    let candidates: Vec<(f64, f64)> = (0..50)
        .map(|i| (f64::from(i) / 9.0 - 2.0, f64::from(i * i % 17) - 3.0))
        .collect();
    let nodes: Vec<f64> = (0..20).map(|i| f64::from(i) / 5.0 - 2.0).collect();
    for (rows, columns) in [(20, 20), (3, 20), (20, 1), (0, 0)] {
        let patches = vec![0.5; rows * columns * 25];
        let manifold = Manifold {
            x: &nodes[..columns],
            y: &nodes[..rows],
            window: 5,
            patches: &patches,
        };
        for order in [&[][..], &[7], &[7, 8, 30]] {
            for manifold in [None, Some(manifold)] {
                let texts = drawn(&LatentFigure {
                    strategy: LONG,
                    candidates: &candidates,
                    seeds: &[1, 2],
                    order,
                    manifold,
                });
                contains(&texts, "latent dimension 1");
                contains(&texts, "2 seeds");
            }
        }
    }
}

#[test]
fn pairs_of_responses_keep_their_texts_apart() {
    let names = ["line:Pd-La", LONG, "line:Au-La", "component 3", "sum"];
    let units = ["counts", "counts per second", "", "√counts", "eV"];
    let scales = [1.0, 1e6, 1e-12, -3e4, 0.0];
    let values = |count: usize, scale: f64, rate: usize| -> Vec<f64> {
        let value = |n: usize| scale * (n * rate % 97) as f64;
        (0..count).map(value).collect()
    };
    for (candidates, steps) in [(500, 40), (0, 1), (500, 0)] {
        let all: Vec<[Vec<f64>; 3]> = (0..5)
            .map(|n| [candidates, 3, steps].map(|count| values(count, scales[n], 2 * n + 3)))
            .collect();
        let responses: Vec<PairedResponse<'_>> = (0..5)
            .map(|n| PairedResponse {
                quantity: names[n],
                units: units[n],
                candidates: &all[n][0],
                seeds: &all[n][1],
                steps: &all[n][2],
            })
            .collect();
        for (first, count) in [(0, 2), (1, 2), (0, 3), (1, 3), (0, 4), (0, 5)] {
            let texts = drawn(&PairsFigure {
                strategy: if count == 2 { LONG } else { "beacon" },
                responses: &responses[first..first + count],
            });
            contains(&texts, "3 seeds");
            assert_eq!(texts.contains(&"step".to_owned()), steps > 1);
        }
    }
}
