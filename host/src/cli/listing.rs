//! What the files of a results folder hold, a line each.

use std::path::Path;

/// What a reader looks at, most useful first, a file a line with what it holds.
const REPORT: &str = "\
report.html: figures and tables in one page
overview.png: the image and the true response
trajectory.png: what the first strategy measured, in order, over the image
trajectories.png: what each strategy measured, in order, over the image
trajectories_target.png: the same over the true response
target.png: the true response, with what all strategies measured
learning.png: error, mean and uncertainty of the model, step by step
coverage.png: share of the target space seen, step by step
coverages.png: shares of target space, patches and latent space seen, where known
errors.png: error and likelihood of each response that was sought, step by step
surrogate.png: what the model expects, and how surely
times.png: time of each step
pairs.png: every pair of the responses that were sought, with what was measured
latent.png: the latent space, with the patches that were measured
spectra.png: what the first strategy recorded at chosen points
";

/// What other programs read, likewise.
const DATA: &str = "\
comparison.json: everything above and more
table.csv: every metric at the chosen steps, with spread and tests
series.csv: every campaign step by step
study.toml: what is compared, and on which data
image.npy: the image
target.npy: the true response
maps.toml: scale and units of both
cells: a file for each finished campaign
";

/// The files of `folder`, with what each holds, those of a report where one was `drawn` now;
/// every figure is there as `.svg` and `.pdf` as well. After them the `others`, in the same manner.
pub(super) fn listing(folder: &Path, drawn: bool, others: &[(&str, &str)]) -> String {
    let report = if drawn { REPORT } else { "" };
    let files = report.lines().chain(DATA.lines());
    let files = files.filter_map(|line| line.split_once(": "));
    let files = files.filter(|(name, _)| folder.join(name).exists());
    let all: Vec<_> = files.chain(others.iter().copied()).collect();
    let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = all
        .iter()
        .map(|(name, what)| format!("  {name:<width$}  {what}\n"));
    let figures = if drawn {
        ", figures as .png, .svg and .pdf"
    } else {
        ""
    };
    format!(
        "results in {}{figures}:\n{}",
        folder.display(),
        lines.collect::<String>()
    )
}
