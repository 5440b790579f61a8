//! `beacon page`: the control room of campaigns that run, or ran, elsewhere.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, OrFail as _, log};
use crate::control_room::{Links, PageConfig, serve};
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

/// Arguments of a campaign that shows itself.
#[derive(Clone, Debug, Args)]
pub(super) struct OwnPageArgs {
    /// Show the campaign in a browser, from where it can be steered, at this address; without one at
    /// a port of this machine, the same as the last time where it is free.
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

impl OwnPageArgs {
    /// Opens the page of the campaign in a folder, where one was asked for, and says where it is.
    pub(super) fn open(&self, folder: &Path) -> Result<(), Failure> {
        let Some(address) = self.page else {
            let FurtherArgs {
                page_anywhere,
                page_name,
                open,
            } = &self.further;
            if *page_anywhere || *open || !page_name.is_empty() {
                return Err(Failure::Input(
                    "--open, --page-anywhere and --page-name are of a page; expected --page beside them"
                        .to_owned(),
                ));
            }
            return Ok(());
        };
        let address =
            Some(address).filter(|address| address.port() != 0 || !address.ip().is_loopback());
        let links = open(&[folder.to_owned()], address, &self.further)?;
        said(&links);
        Ok(())
    }
}

/// Says the links, on standard error: what is on standard output is for programs.
fn said(links: &Links) {
    log(&format!(
        "control {}\nwatch   {}",
        links.control, links.watch
    ));
}

/// Reads where to listen: an address with a port, or a port alone.
fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse::<u16>().ok();
    let local = port.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    local.or_else(|| text.parse().ok()).ok_or_else(|| {
        "expected an address and a port, as in 127.0.0.1:8080, or a port alone".to_owned()
    })
}

/// Serves the page of campaigns, and says where it is.
fn open(
    folders: &[PathBuf],
    address: Option<SocketAddr>,
    further: &FurtherArgs,
) -> Result<Links, Failure> {
    let config = PageConfig {
        address,
        anywhere: further.page_anywhere,
        names: further.page_name.clone(),
    };
    let links = serve(folders, &config).or_input()?;
    if further.open && !open_browser(&links.control) {
        log("note: no browser could be opened; open the link by hand");
    }
    Ok(links)
}

/// Runs `beacon page`.
pub(super) fn run(args: &PageArgs) -> Result<(), Failure> {
    for folder in &args.folders {
        check(folder)?;
    }
    let links = open(&args.folders, args.listen, &args.further)?;
    said(&links);
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
