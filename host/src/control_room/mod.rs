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
//! | `campaign` | a journal that is followed, what was told of it, and its maps of the past |
//! | `access` | tokens, and the names that the page may be called by |
//! | `live_map` | the map to publish, of the points so far |
//! | `connections` | who is connected, and who has to make way |
//! | `server` | requests and answers |
//! | `assets` | the files of the page, from `host/page` |

mod access;
mod assets;
mod campaign;
mod connections;
mod live_map;
mod server;
mod story;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Names, Tokens};
use campaign::Campaign;
use server::{Room, Shown};

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
    /// No browser opens the port.
    #[error(
        "no browser opens a page at port {port}, which belongs to another service; expected another one, as in 8080, or 0 for any"
    )]
    Blocked {
        /// The port.
        port: u16,
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
    /// Whether the folders are one thing, with the links of the first; else who has the link of one
    /// sees no other.
    pub together: bool,
}

/// A page. When this is dropped, whoever watches is told that it closes.
#[derive(Debug)]
#[must_use]
pub struct Page {
    /// Its links: to all of its campaigns.
    pub links: Links,
    room: Arc<Room>,
}

/// Campaigns that are followed at once; of more, those that somebody looks at.
const FEW: usize = 8;
/// How long a page that closes waits until everybody was told.
const FAREWELL: Duration = Duration::from_millis(500);

impl Drop for Page {
    fn drop(&mut self) {
        self.room.close();
        let begun = Instant::now();
        while self.room.is_watched() && begun.elapsed() < FAREWELL {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The links of a page.
#[derive(Clone, Debug)]
pub struct Links {
    /// Of who controls.
    pub control: String,
    /// Of who watches.
    pub watch: String,
}

/// Ports that browsers refuse to open (Fetch Standard, section 2.9, "port blocking"), but for 0, which is any here.
const BLOCKED: [u16; 82] = [
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
    512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
    995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
    6669, 6679, 6697, 10080,
];

/// Serves the page of the campaigns in these folders on a thread of its own, until the program ends.
///
/// # Errors
/// When the address is open to other machines without leave, or the port cannot be had or opened.
pub fn serve(folders: &[PathBuf], config: &PageConfig) -> Result<Page, PageError> {
    let kept: Vec<(Tokens, Option<u16>)> = folders.iter().map(|one| Tokens::of(one)).collect();
    let last = kept.first().and_then(|(_, port)| *port);
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let address = config.address.unwrap_or(local(0));
    if !address.ip().is_loopback() && !config.anywhere {
        return Err(PageError::Anywhere { address });
    }
    if BLOCKED.contains(&address.port()) {
        return Err(PageError::Blocked {
            port: address.port(),
        });
    }
    let again = last.filter(|_| config.address.is_none());
    let again = again.and_then(|port| TcpListener::bind(local(port)).ok());
    let listener = again.map_or_else(|| TcpListener::bind(address), Ok);
    let listener = listener.map_err(|source| PageError::Port { address, source })?;
    let address = listener.local_addr().map_err(PageError::Server)?;
    // A campaign that has a page of its own keeps the link to that, and one that is looked at among others
    // the link that it had.
    let alone = folders.len() == 1;
    let free = |port| port == address.port() || TcpListener::bind(local(port)).is_ok();
    let mut shown: Vec<Shown> = Vec::new();
    for (folder, (tokens, last)) in folders.iter().zip(kept) {
        let tokens = match shown.first() {
            Some(first) if config.together => first.tokens.clone(),
            _ => {
                if last.is_none_or(|port| alone && free(port)) {
                    tokens.keep(folder, address.port());
                }
                tokens
            }
        };
        let campaign = Campaign::new(folder);
        if folders.len() <= FEW {
            campaign.follow().map_err(PageError::Server)?;
        }
        shown.push(Shown { campaign, tokens });
    }
    let names = Names {
        address: address.ip(),
        further: config.names.clone(),
    };
    let links = Links::of(&shown, address);
    let room = Arc::new(Room::new(shown, names));
    server::spawn(listener, Arc::clone(&room)).map_err(PageError::Server)?;
    Ok(Page { links, room })
}

impl Links {
    fn of(shown: &[Shown], address: SocketAddr) -> Self {
        let reached: IpAddr = match address.ip() {
            ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            ip => ip,
        };
        let page = SocketAddr::new(reached, address.port());
        let all = |token: fn(&Tokens) -> &str| {
            let mut all: Vec<&str> = shown.iter().map(|shown| token(&shown.tokens)).collect();
            all.dedup();
            all.join(",")
        };
        // What follows `#` stays in the browser: it is in no log and in no request but as a header.
        Self {
            control: format!("http://{page}/#control={}", all(|tokens| &tokens.control)),
            watch: format!("http://{page}/#watch={}", all(|tokens| &tokens.watch)),
        }
    }
}
