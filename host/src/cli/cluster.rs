//! `beacon compare` on a cluster: shards of a study, the script that sends them to Slurm, and what
//! is still missing.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::compare::settled;
use super::{Failure, OrFail as _, print};
use crate::study::{CellName, Plan, Stored, StudyFolder};

/// Campaigns of a task unless the user says how many tasks there are: ten minutes of them or more, since a
/// campaign of 300 steps takes two or three seconds, and a scheduler takes seconds for a task.
const CELLS_PER_TASK: usize = 300;

/// Most tasks unless the user says how many: what an array of Slurm may hold by default.
const MOST_TASKS: usize = 1000;

/// Arguments for studies that many machines share.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct ClusterArgs {
    /// Run the K-th of N shares of the study, one campaign after the other on one core, into its
    /// folder.
    #[arg(long, value_name = "K/N", requires = "out", conflicts_with = "cell")]
    pub(super) shard: Option<CellName>,
    /// Make the folder of the study and work out once what its campaigns share; run none.
    #[arg(long, requires = "out", conflicts_with_all = ["cell", "shard"])]
    pub(super) prepare: bool,
    /// Print the script that sends the study to Slurm: `beacon compare … --out DIR --slurm >
    /// study.sh`, then `sh study.sh`. The script sends what is not finished, as often as it is run.
    #[arg(long, requires = "out", conflicts_with_all = ["cell", "shard", "prepare", "json", "jobs", "page"])]
    pub(super) slurm: bool,
    /// Tasks that share the study: 1 to the number of campaigns. By default a task has 300
    /// campaigns, and there are at most 1000 tasks.
    #[arg(long, value_name = "N")]
    tasks: Option<usize>,
    /// Partition of Slurm that runs the tasks.
    #[arg(long, value_name = "NAME", requires = "slurm")]
    partition: Option<String>,
    /// Another option for `sbatch`, such as --sbatch=--time=1:00:00; may be given several times.
    #[arg(
        long,
        value_name = "OPTION",
        requires = "slurm",
        allow_hyphen_values = true
    )]
    sbatch: Vec<String>,
    /// Print the numbers of the tasks that have campaigns to run, as `sbatch --array` takes them;
    /// nothing where the study is finished.
    #[arg(long, value_name = "DIR", conflicts_with_all = settled())]
    pub(super) missing: Option<PathBuf>,
    /// Checksum of the study that --missing is asked for, as scripts have it: where the folder holds another one, to
    /// which that is yet to be added, all tasks have campaigns to run.
    #[arg(long, value_name = "CHECKSUM", requires_all = ["missing", "tasks"], hide_short_help = true)]
    plan: Option<String>,
}

impl ClusterArgs {
    fn tasks(&self, plan: &Plan) -> Result<usize, Failure> {
        let cells = plan.cell_count();
        match self.tasks {
            Some(tasks) if (1..=cells).contains(&tasks) => Ok(tasks),
            Some(tasks) => Err(Failure::Input(format!(
                "tasks is {tasks}; expected 1 to {cells}, the number of campaigns"
            ))),
            None => Ok(cells.div_ceil(CELLS_PER_TASK).min(MOST_TASKS)),
        }
    }
}

/// Prints which shards have campaigns that are not finished.
pub(super) fn print_missing(folder: &Path, args: &ClusterArgs) -> Result<(), Failure> {
    let folder = StudyFolder::open(folder).or_input()?;
    let plan = folder.plan();
    if let (Some(wanted), Some(tasks)) = (&args.plan, args.tasks)
        && *wanted != plan.checksum().or_input()?
    {
        let all: Vec<usize> = (1..=tasks).collect();
        return print(&format!("{}\n", ranges(&all)));
    }
    let of = args.tasks(plan)?;
    let mut there = folder.cells().or_input()?;
    there.retain(|cell| matches!(folder.read(cell), Stored::Finished(_)));
    let mut finished = there.iter().map(|cell| cell.number).peekable();
    let mut due = Vec::new();
    for number in 1..=of {
        let mut cells = plan.shard_numbers(CellName { number, of }).or_input()?;
        // Both are sorted, so that those before are used up.
        while finished.next_if(|&cell| cell < cells.start).is_some() {}
        if !cells.all(|cell| finished.next_if_eq(&cell).is_some()) {
            due.push(number);
        }
    }
    match ranges(&due) {
        due if due.is_empty() => Ok(()),
        due => print(&format!("{due}\n")),
    }
}

/// Rising numbers as `1,4-6`.
fn ranges(numbers: &[usize]) -> String {
    let runs = numbers.chunk_by(|one, next| one + 1 == *next);
    let runs = runs.map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        alone => alone.iter().map(usize::to_string).collect(),
    });
    runs.collect::<Vec<_>>().join(",")
}

/// Prints the script that sends a study to Slurm.
pub(super) fn print_script(out: &Path, plan: &Plan, args: &ClusterArgs) -> Result<(), Failure> {
    let text = |word: &OsStr| {
        let text = word.to_str().map(str::to_owned);
        let shown = Path::new(word).display();
        text.ok_or_else(|| {
            Failure::Input(format!(
                "`{shown}`: expected UTF-8, which a script can hold"
            ))
        })
    };
    let program = text(std::env::current_exe().or_running()?.as_os_str())?;
    let here = text(std::env::current_dir().or_running()?.as_os_str())?;
    let words = std::env::args_os().skip(1).map(|word| text(&word));
    let words = words.collect::<Result<Vec<_>, _>>()?;
    let script = Script {
        out: &text(out.as_os_str())?,
        program: &program,
        here: &here,
        comparison: &comparison(words.into_iter()),
        tasks: args.tasks(plan)?,
        cells: plan.cell_count(),
        plan: &plan.checksum().or_input()?,
        options: &options(args),
    };
    print(&script.text())
}

/// The words of the command but for those that ask for a script.
fn comparison(words: impl Iterator<Item = String>) -> Vec<String> {
    const OURS: [&str; 4] = ["--slurm", "--tasks", "--partition", "--sbatch"];
    let mut kept = Vec::new();
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let name = word.split_once('=').map_or(&*word, |(name, _)| name);
        if !OURS.contains(&name) {
            kept.push(word);
        } else if name == word && name != "--slurm" {
            // Its value.
            words.next();
        }
    }
    kept
}

fn options(args: &ClusterArgs) -> Vec<String> {
    let partition = args
        .partition
        .iter()
        .map(|name| format!("--partition={name}"));
    partition.chain(args.sbatch.iter().cloned()).collect()
}

/// What a script is made of.
struct Script<'a> {
    /// Folder of the study.
    out: &'a str,
    /// This program.
    program: &'a str,
    /// Where the paths among the words begin.
    here: &'a str,
    /// The command that runs the comparison.
    comparison: &'a [String],
    tasks: usize,
    cells: usize,
    /// Checksum of the study.
    plan: &'a str,
    /// For `sbatch`.
    options: &'a [String],
}

impl Script<'_> {
    fn text(&self) -> String {
        let words = |words: &[String]| {
            let words = words.iter().map(|word| quoted(word));
            words.collect::<Vec<_>>().join(" ")
        };
        let (here, out, program) = (quoted(self.here), quoted(self.out), quoted(self.program));
        let (tasks, cells, plan) = (self.tasks, self.cells, self.plan);
        let compare = format!("exec {program} {}", words(self.comparison));
        // Slurm reads a percent sign in the name of a log.
        let log = quoted(&self.out.replace('%', "%%"));
        let options = self.options.iter().fold(String::new(), |mut text, option| {
            let _ = write!(text, " {}", quoted(option));
            text
        });
        format!(
            "#!/bin/sh
# Sends {cells} campaigns in {tasks} tasks to Slurm: `sh` and the name of this file. Once more, it
# sends the tasks that are not finished. All nodes must see the folders below and the program.
set -eu
cd {here}
study={out}
export BEACON_CACHE=\"${{BEACON_CACHE:-$PWD/.beacon-cache}}\"
mkdir -p \"$study/log\"

send() {{
    sbatch --parsable --requeue --ntasks=1 --cpus-per-task=1 --kill-on-invalid-dep=yes \\
        --output={log}/log/%x-%j.txt{options} \"$@\"
}}

tasks=1-{tasks}
if [ -e \"$study/study.toml\" ]; then
    tasks=$({program} compare --missing \"$study\" --tasks {tasks} --plan {plan})
fi
after=
if [ -n \"$tasks\" ]; then
    # What all campaigns share is worked out once.
    prepare=$(send --job-name=beacon-prepare <<'END_OF_JOB'
#!/bin/sh
{compare} --prepare
END_OF_JOB
)
    # A minute before its time is over a task is told to end; its finished campaigns are kept.
    cells=$(send --job-name=beacon-cells --dependency=\"afterok:${{prepare%%;*}}\" --array=\"$tasks\" \\
        --signal=B:TERM@60 <<'END_OF_JOB'
#!/bin/sh
{compare} --jobs 1 --shard \"$SLURM_ARRAY_TASK_ID/{tasks}\"
END_OF_JOB
)
    after=\"--dependency=afterany:${{cells%%;*}}\"
    echo \"tasks $tasks: job ${{cells%%;*}}\"
fi
collect=$(send --job-name=beacon-collect $after <<'END_OF_JOB'
#!/bin/sh
exec {program} compare --collect {out}
END_OF_JOB
)
echo \"tables and report in $study: job ${{collect%%;*}}\"
"
        )
    }
}

/// A word as a shell reads it back to the letter.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_a_scheduler_takes_them() {
        for (numbers, text) in [
            (&[][..], ""),
            (&[3], "3"),
            (&[1, 2], "1-2"),
            (&[1, 3, 4, 5, 9], "1,3-5,9"),
        ] {
            assert_eq!(ranges(numbers), text);
        }
    }

    #[test]
    fn the_words_of_a_script_are_left_out_of_what_it_runs() {
        let words = "compare --slurm --seeds 3 --tasks 4 --sbatch --mem=1G --partition=x --out a";
        let words = words.split(' ').map(str::to_owned);
        assert_eq!(comparison(words), ["compare", "--seeds", "3", "--out", "a"]);
    }

    /// Oracle: a shell.
    #[cfg(unix)]
    #[test]
    fn a_shell_reads_quoted_words_back() {
        for word in [
            "",
            "plain",
            "it's",
            "a b",
            "$HOME `x` \"y\"",
            "line\nline",
            "*?~#",
        ] {
            let script = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output();
            assert_eq!(output.unwrap().stdout, word.as_bytes());
        }
    }
}
