//! A study on a cluster: Slurm itself, with a controller and two nodes on this machine.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use beacon_host::data::Map;
use beacon_host::data::files::write_npy;
use serde_json::Value;
use tempfile::TempDir;

/// How long a cluster may take to get anywhere.
const PATIENCE: Duration = Duration::from_secs(300);

/// A cluster of two nodes, whose daemons and files are its own.
struct Cluster {
    folder: TempDir,
    daemons: Vec<Child>,
}

impl Cluster {
    /// Starts one; `None`, said aloud, where Slurm is not installed.
    ///
    /// # Panics
    /// Where it is missing although `BEACON_REQUIRE_SLURM` is set, and where it does not start.
    fn start() -> Option<Self> {
        let found = program("slurmd").arg("-C").output();
        let Some(described) = found.ok().filter(|output| output.status.success()) else {
            assert!(
                env::var_os("BEACON_REQUIRE_SLURM").is_none(),
                "slurmd cannot be run"
            );
            println!("skipped: a study on a cluster; tests/slurm/install installs Slurm");
            return None;
        };
        let described = text(&described.stdout);
        let host = described.split(['=', ' ']).nth(1).expect("a node's name");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        fs::write(path.join("slurm.conf"), configuration(path, host)).expect("written");
        // Any key will do for programs that trust one another.
        fs::write(path.join("key"), [7; 128]).expect("written");
        for name in ["key", "slurm.conf"] {
            set_mode(&path.join(name), 0o600);
        }
        set_mode(path, 0o755);
        let mut cluster = Self {
            folder,
            daemons: Vec::new(),
        };
        let own =
            |option: &str, name: &str| format!("--{option}={}", path_text(cluster.path(), name));
        let munge = [
            "--force".to_owned(),
            "--foreground".to_owned(),
            own("socket", "socket"),
            own("key-file", "key"),
            own("pid-file", "munged.pid"),
            own("seed-file", "seed"),
            own("log-file", "munged.log"),
        ];
        cluster.daemon("munged", &munge.each_ref().map(String::as_str));
        cluster.until("munged answers", |here| here.path().join("socket").exists());
        cluster.daemon("slurmctld", &["-D"]);
        for node in ["one", "two"] {
            cluster.daemon("slurmd", &["-D", "-N", node]);
        }
        cluster.until("both nodes are there", |here| {
            let idle = here.ask("sinfo", &["-h", "-t", "idle", "-o", "%D"]);
            idle.trim() == "2"
        });
        Some(cluster)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn daemon(&mut self, name: &str, arguments: &[&str]) {
        let log = format!("{name}-{}.out", self.daemons.len());
        let log = fs::File::create(self.path().join(log)).expect("written");
        let daemon = self
            .command(name)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.daemons.push(daemon.expect("the daemon is installed"));
    }

    fn command(&self, name: &str) -> Command {
        let mut command = program(name);
        command
            .env("SLURM_CONF", self.path().join("slurm.conf"))
            .env("BEACON_CACHE", self.path().join("cache"))
            .current_dir(self.path());
        command
    }

    fn run(&self, name: &str, arguments: &[&str]) -> Output {
        let output = self.command(name).args(arguments).output();
        output.expect("the program can be started")
    }

    /// What a program of Slurm answers; nothing while the controller does not.
    fn ask(&self, name: &str, arguments: &[&str]) -> String {
        text(&self.run(name, arguments).stdout)
    }

    /// Jobs in a state, by their numbers; all that are not over where the state is empty.
    fn jobs(&self, state: &str) -> Vec<String> {
        let filter = ["-t", state];
        let filter = if state.is_empty() {
            &filter[..0]
        } else {
            &filter
        };
        let listed = self.ask(
            "squeue",
            &[&["-h", "-r", "-n", "beacon-cells", "-o", "%A"], filter].concat(),
        );
        listed.split_whitespace().map(str::to_owned).collect()
    }

    fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !condition(self) {
            assert!(
                begun.elapsed() < PATIENCE,
                "{what}: not within {PATIENCE:?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for every job, and does not let a task wait that failed with its node.
    fn finish(&self) {
        self.until("all jobs are over", |here| {
            for job in here.jobs("PENDING") {
                here.run(
                    "scontrol",
                    &["update", &format!("jobid={job}"), "starttime=now"],
                );
            }
            let left = here.run("squeue", &["-h"]);
            left.status.success() && left.stdout.is_empty()
        });
    }

    fn beacon(&self, arguments: &[&str]) -> Output {
        let output = self.run(env!("CARGO_BIN_EXE_beacon-under-test"), arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        output
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.run("scancel", &["--me"]);
        for daemon in self.daemons.iter_mut().rev() {
            // SIGTERM lets a daemon end what it started.
            let _ = Command::new("kill").arg(daemon.id().to_string()).status();
            let _ = daemon.wait();
        }
    }
}

/// A program of Debian's, which keeps daemons where only root looks.
fn program(name: &str) -> Command {
    let path = env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let mut command = Command::new("env");
    command.env("PATH", path).arg(name);
    command
}

fn configuration(folder: &Path, host: &str) -> String {
    let port = || {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        socket.local_addr().expect("its number").port()
    };
    let mut text = String::new();
    for (name, value) in [
        ("ClusterName", "beacon".to_owned()),
        ("SlurmctldHost", format!("{host}(127.0.0.1)")),
        ("SlurmctldPort", port().to_string()),
        ("SlurmUser", "root".to_owned()),
        ("SlurmdUser", "root".to_owned()),
        ("AuthType", "auth/munge".to_owned()),
        (
            "AuthInfo",
            format!("socket={}", path_text(folder, "socket")),
        ),
        ("ProctrackType", "proctrack/linuxproc".to_owned()),
        ("TaskPlugin", "task/none".to_owned()),
        ("JobAcctGatherType", "jobacct_gather/none".to_owned()),
        (
            "AccountingStorageType",
            "accounting_storage/none".to_owned(),
        ),
        ("SwitchType", "switch/none".to_owned()),
        ("MpiDefault", "none".to_owned()),
        ("StateSaveLocation", path_text(folder, "state")),
        ("SlurmdSpoolDir", path_text(folder, "spool-%n")),
        ("SlurmctldPidFile", path_text(folder, "slurmctld.pid")),
        ("SlurmdPidFile", path_text(folder, "slurmd-%n.pid")),
        ("SlurmctldLogFile", path_text(folder, "slurmctld.log")),
        ("SlurmdLogFile", path_text(folder, "slurmd-%n.log")),
        ("SelectType", "select/cons_tres".to_owned()),
        ("SelectTypeParameters", "CR_CPU".to_owned()),
        ("ReturnToService", "2".to_owned()),
        ("KillWait", "1".to_owned()),
        (
            "SchedulerParameters",
            "batch_sched_delay=0,sched_min_interval=100000".to_owned(),
        ),
    ] {
        let _ = writeln!(text, "{name}={value}");
    }
    for node in ["one", "two"] {
        let _ = writeln!(
            text,
            "NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={} CPUs=2 State=UNKNOWN",
            port()
        );
    }
    text + "PartitionName=all Nodes=ALL Default=YES State=UP\n"
}

fn path_text(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the mode can be set");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A comparison but for the times that it took.
fn timeless(text: &[u8]) -> Value {
    let mut comparison: Value = serde_json::from_slice(text).expect("JSON");
    for (_, strategy) in comparison["strategies"]
        .as_object_mut()
        .expect("strategies")
    {
        strategy["seconds"] = Value::Null;
    }
    comparison
}

/// Oracle: the comparison of one process. A node fails, two tasks are killed, and the script that is run
/// once more sends what is missing.
#[test]
fn a_study_on_a_cluster_loses_a_node_and_two_tasks_and_equals_that_of_one_process() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let folder = cluster.path();
    let values = |scale: f64| (0..1024).map(|n| (f64::from(n) * scale).sin()).collect();
    let image = Map::uncalibrated(32, 32, values(0.31), "image");
    let response = Map::uncalibrated(32, 32, values(0.07), "response");
    // Names that a shell would take apart.
    let (image_file, response_file) = ("it's an image.npy", "$HOME \"x\".npy");
    write_npy(&folder.join(image_file), &image).expect("written");
    write_npy(&folder.join(response_file), &response).expect("written");
    let study = [
        "compare",
        "--image",
        image_file,
        "--response",
        response_file,
        "--window",
        "8",
    ];
    let small = [
        "--steps",
        "30",
        "--seeds",
        "10",
        "--strategies",
        "beacon,ei,mu,random",
    ];
    let study = [&study[..], &small].concat();
    let with = |more: &[&str]| cluster.beacon(&[&study[..], more].concat()).stdout;

    let script = with(&[
        "--out",
        "a study",
        "--slurm",
        "--tasks",
        "8",
        "--sbatch=--time=10",
    ]);
    fs::write(folder.join("study.sh"), &script).expect("written");
    let send = || {
        let sent = cluster.run("sh", &["study.sh"]);
        assert!(sent.status.success(), "{}", text(&sent.stderr));
        text(&sent.stdout)
    };
    let missing = || {
        text(
            &cluster
                .beacon(&["compare", "--missing", "a study", "--tasks", "8"])
                .stdout,
        )
    };
    let running = |cluster: &Cluster| cluster.jobs("RUNNING");
    // Tasks may be over before a busy machine has come to kill them: then they begin anew.
    let lost = (0..10).find_map(|_| {
        let _ = fs::remove_dir_all(folder.join("a study"));
        assert!(send().starts_with("tasks 1-8: job "));
        cluster.until("tasks run on both nodes", |here| running(here).len() == 4);
        let fail = ["update", "nodename=two", "state=down", "reason=test"];
        assert!(cluster.run("scontrol", &fail).status.success());
        for task in running(&cluster).iter().take(2) {
            let kill = ["--full", "--signal=KILL", task.as_str()];
            assert!(cluster.run("scancel", &kill).status.success());
        }
        cluster.run("scontrol", &["update", "nodename=two", "state=resume"]);
        cluster.finish();
        let lost = missing();
        (!lost.trim().is_empty()).then_some(lost)
    });
    let lost = lost.unwrap_or_else(|| panic!("nothing was killed: {}", text(&script)));
    let partial = fs::read_to_string(folder.join("a study/comparison.json")).expect("collected");
    assert!(partial.contains("cells are not finished"), "{partial}");

    assert!(send().starts_with(&format!("tasks {}: job ", lost.trim())));
    cluster.finish();
    assert_eq!(missing(), "");
    assert!(send().starts_with("tables and report in a study: job "));
    cluster.finish();
    let collected = fs::read(folder.join("a study/comparison.json")).expect("collected");
    let alone = with(&["--out", "alone", "--json"]);
    assert_eq!(timeless(&collected), timeless(&alone));
}
