//! The control room: campaigns in a browser, to see and to steer.
//!
//! The page is a view of the journal. A follower reads the records, the campaign's state machine folds
//! them, and each becomes a message that browsers are sent, numbered as in the journal. Commands go
//! through the control socket, as those of `beacon ctl`. A campaign need not know of its page: it runs
//! in this process or in any other of this machine.
//!
//! | file | what |
//! |---|---|
//! | `story` | records to messages |
//! | `campaign` | a journal that is followed, and what was told of it |
//! | `access` | tokens, and the names that the page may be called by |
//! | `server` | connections and requests |
//! | `assets` | the files of the page, from `host/page` |

mod access;
mod assets;
mod campaign;
mod server;
mod story;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use access::{Names, Tokens};
use campaign::Campaign;
use server::Room;

/// Why there is no page; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The page would be open to other machines.
    #[error(
        "the page would listen on {address}, where other machines reach it; expected an address of this \
         machine alone, as in 127.0.0.1:8080, or --page-anywhere beside it"
    )]
    Anywhere {
        /// The address.
        address: SocketAddr,
    },
    /// The port cannot be had.
    #[error("the page cannot listen on {address}: {source}; expected a free port, or 0 for any")]
    Port {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system has no room for a server.
    #[error("the page has no server: {0}")]
    Server(#[source] io::Error),
}

/// Where a page is to be found.
#[derive(Clone, Debug, Default)]
pub struct PageConfig {
    /// Address and port; without one 127.0.0.1, and the port of the last time where that is free.
    pub address: Option<SocketAddr>,
    /// Whether the address may be one that other machines reach.
    pub anywhere: bool,
    /// Names beside `localhost` that browsers call the page by, as those of a reverse proxy.
    pub names: Vec<String>,
}

/// The links of a page.
#[derive(Clone, Debug)]
pub struct Links {
    /// Of who controls.
    pub control: String,
    /// Of who watches.
    pub watch: String,
}

/// Serves the page of the campaigns in these folders on a thread of its own, until the program ends.
///
/// # Errors
/// When the address is open to other machines without leave, or the port cannot be had.
pub fn serve(folders: &[PathBuf], config: &PageConfig) -> Result<Links, PageError> {
    let first = folders.first().cloned().unwrap_or_default();
    let (tokens, last) = Tokens::of(&first);
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let address = config.address.unwrap_or(local(0));
    if !address.ip().is_loopback() && !config.anywhere {
        return Err(PageError::Anywhere { address });
    }
    let again = last.filter(|_| config.address.is_none());
    let again = again.and_then(|port| TcpListener::bind(local(port)).ok());
    let listener = again.map_or_else(|| TcpListener::bind(address), Ok);
    let listener = listener.map_err(|source| PageError::Port { address, source })?;
    let address = listener.local_addr().map_err(PageError::Server)?;
    // A campaign that has a page of its own keeps the link to that.
    let free = |port| port == address.port() || TcpListener::bind(local(port)).is_ok();
    if last.is_none_or(free) {
        tokens.keep(&first, address.port());
    }
    let names = Names {
        address: address.ip(),
        further: config.names.clone(),
    };
    let campaigns = folders.iter().map(|folder| Campaign::follow(folder));
    let campaigns: io::Result<Vec<_>> = campaigns.collect();
    let campaigns = campaigns.map_err(PageError::Server)?;
    let links = Links::of(&tokens, address);
    let room = Room::new(campaigns, tokens, names);
    server::spawn(listener, room).map_err(PageError::Server)?;
    Ok(links)
}

impl Links {
    fn of(tokens: &Tokens, address: SocketAddr) -> Self {
        let reached: IpAddr = match address.ip() {
            ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            ip => ip,
        };
        let page = SocketAddr::new(reached, address.port());
        // What follows `#` stays in the browser: it is in no log and in no request but as a header.
        Self {
            control: format!("http://{page}/#control={}", tokens.control),
            watch: format!("http://{page}/#watch={}", tokens.watch),
        }
    }
}
