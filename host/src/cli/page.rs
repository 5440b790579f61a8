//! `beacon page`: the control room of campaigns that run, or ran, elsewhere; and the pages of other
//! commands.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::progress::Display;
use super::{Failure, OrFail as _, log};
use crate::control_room::{Page, PageConfig, serve};
use crate::journal::{FolderError, Follower};

/// Arguments of `beacon page`.
#[derive(Clone, Debug, Args)]
pub(super) struct PageArgs {
    /// Folders of campaigns: that run, ended, or were interrupted.
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Where to listen; without this a port of this machine, the same as the last time where it is
    /// free.
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse_address)]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    further: FurtherArgs,
}

/// Arguments of every page.
#[derive(Clone, Debug, Args)]
struct FurtherArgs {
    /// Let the page listen where other machines reach it. Its links are not encrypted: a tunnel or a
    /// reverse proxy is better.
    #[arg(long, help_heading = "Page")]
    page_anywhere: bool,
    /// A further name that browsers call the page by, as behind a reverse proxy.
    #[arg(long, value_name = "NAME", help_heading = "Page")]
    page_name: Vec<String>,
    /// Open the page in the browser.
    #[arg(long, help_heading = "Page")]
    open: bool,
}

/// Arguments of a command that shows what it runs.
#[derive(Clone, Debug, Args)]
pub(super) struct OwnPageArgs {
    /// Show what runs in a browser, from where a campaign on an instrument can be steered, at this
    /// address; without one at a port of this machine, the same as the last time where it is free.
    #[arg(
        long,
        value_name = "ADDR:PORT",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:0",
        value_parser = parse_address,
        help_heading = "Page"
    )]
    page: Option<SocketAddr>,
    #[command(flatten)]
    further: FurtherArgs,
}

/// The page of what this program runs.
pub(super) struct OwnPage {
    page: Page,
    browser: bool,
}

impl OwnPageArgs {
    /// Whether a page was asked for.
    pub(super) fn is_wanted(&self) -> bool {
        self.page.is_some()
    }

    /// Opens the page of campaigns in these folders, where one was asked for; `together` gives them one
    /// pair of links. Nobody is told of it yet: what is refused until then is refused without a link.
    pub(super) fn open(
        &self,
        folders: &[PathBuf],
        together: bool,
    ) -> Result<Option<OwnPage>, Failure> {
        let further = &self.further;
        let Some(address) = self.page else {
            if further.page_anywhere || further.open || !further.page_name.is_empty() {
                return Err(Failure::Input(
                    "--open, --page-anywhere and --page-name are of a page; expected --page beside them"
                        .to_owned(),
                ));
            }
            return Ok(None);
        };
        let address =
            Some(address).filter(|address| address.port() != 0 || !address.ip().is_loopback());
        Ok(Some(OwnPage {
            page: open(folders, address, further, together)?,
            browser: further.open,
        }))
    }
}

impl OwnPage {
    /// Says the links, on standard error: what is on standard output is for programs. Opens the browser
    /// where that was asked for.
    pub(super) fn say(&self) {
        let links = &self.page.links;
        log(&format!(
            "control {}\nwatch   {}",
            links.control, links.watch
        ));
        if self.browser && !open_browser(&links.control) {
            log("note: no browser could be opened; open the link by hand");
        }
    }

    /// Keeps the page open until the user interrupts the program, unless that has happened.
    pub(super) fn stay(self, display: &Display) {
        if display.interrupted() {
            return;
        }
        display.end();
        log("the page is open until this program is interrupted");
        while !display.interrupted() {
            std::thread::sleep(Duration::from_millis(50));
        }
        // Whoever watches is told.
        drop(self.page);
    }
}

/// A folder for what a page shows of campaigns that keep no journal; it goes with this.
pub(super) struct ShownFolder(PathBuf);

impl ShownFolder {
    /// A folder of its own, which its owner alone can read.
    pub(super) fn new() -> Result<Self, Failure> {
        use std::hash::{BuildHasher as _, RandomState};
        let number = RandomState::new().hash_one(std::process::id());
        let path = std::env::temp_dir().join(format!("beacon-page-{number:016x}"));
        #[cfg_attr(not(unix), expect(unused_mut, reason = "owners are of Unix"))]
        let mut folder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        let made = folder.create(&path);
        made.map_err(|error| {
            let path = path.display();
            Failure::Input(format!(
                "`{path}`: {error}; expected a folder for temporary files that can be written to"
            ))
        })?;
        Ok(Self(path))
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ShownFolder {
    fn drop(&mut self) {
        // One that cannot be removed stays with the other temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Reads where to listen: an address with a port, or a port alone.
fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse::<u16>().ok();
    let local = port.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    local.or_else(|| text.parse().ok()).ok_or_else(|| {
        "expected an address and a port, as in 127.0.0.1:8080, or a port alone".to_owned()
    })
}

/// Serves the page of campaigns.
fn open(
    folders: &[PathBuf],
    address: Option<SocketAddr>,
    further: &FurtherArgs,
    together: bool,
) -> Result<Page, Failure> {
    let config = PageConfig {
        address,
        anywhere: further.page_anywhere,
        names: further.page_name.clone(),
        together,
    };
    serve(folders, &config).or_input()
}

/// Runs `beacon page`.
pub(super) fn run(args: &PageArgs) -> Result<(), Failure> {
    for folder in &args.folders {
        check(folder)?;
    }
    let page = OwnPage {
        page: open(&args.folders, args.listen, &args.further, false)?,
        browser: args.further.open,
    };
    page.say();
    log("the page is open until this program is interrupted");
    loop {
        std::thread::park();
    }
}

/// Looks at a journal before anybody is told of a page.
fn check(folder: &Path) -> Result<(), Failure> {
    let journal = folder.join("journal");
    if !journal.is_file() {
        let path = folder.to_owned();
        return Err(FolderError::NotBegun { path }).or_input();
    }
    Follower::new(&journal).poll().map(|_| ()).or_input()
}

/// Opens a link in the browser; whether there was one to ask.
fn open_browser(link: &str) -> bool {
    let mut command = if cfg!(target_os = "macos") {
        std::process::Command::new("open")
    } else if cfg!(windows) {
        std::process::Command::new("explorer")
    } else {
        std::process::Command::new("xdg-open")
    };
    let quiet = std::process::Stdio::null;
    let command = command
        .arg(link)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet());
    command.spawn().is_ok()
}
