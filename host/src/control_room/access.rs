//! Who may see, and who may steer: the two tokens of a page, and the names it may be called by.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher as _;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};

use crate::control::write_private;

/// What the bearer of a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// See.
    Watch,
    /// See and steer.
    Control,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Watch => "watch",
        }
    }
}

/// The tokens of a page. They are kept in the run folder, where its owner alone can read them, so that
/// links hold when a campaign is resumed.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub(super) control: String,
    pub(super) watch: String,
}

impl Tokens {
    /// The tokens of a folder with the port that its page had last, else fresh ones.
    pub(super) fn of(folder: &Path) -> (Self, Option<u16>) {
        let kept = fs::read_to_string(file(folder)).unwrap_or_default();
        let words: Vec<&str> = kept.split_whitespace().collect();
        if let [port, control, watch] = words[..]
            && [control, watch].iter().all(|token| token.len() == LENGTH)
        {
            let (control, watch) = (control.to_owned(), watch.to_owned());
            return (Self { control, watch }, port.parse().ok());
        }
        let (control, watch) = (fresh(), fresh());
        (Self { control, watch }, None)
    }

    /// Keeps them in a folder with the port of the page. Where that cannot be written, the next page of
    /// the folder has another link.
    pub(super) fn keep(&self, folder: &Path, port: u16) {
        let content = format!("{port} {} {}\n", self.control, self.watch);
        let _ = write_private(&file(folder), &content);
    }

    /// What the sender of a request may do; `None` without a token that is right. A link to several
    /// campaigns has several tokens, with commas between them.
    pub(super) fn role(&self, headers: &HeaderMap) -> Option<Role> {
        let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let sent = sent.strip_prefix("Bearer ")?;
        let roles = [(&self.control, Role::Control), (&self.watch, Role::Watch)];
        roles.into_iter().find_map(|(token, role)| {
            let mut sent = sent.split(',');
            sent.any(|sent| same(token, sent)).then_some(role)
        })
    }
}

fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("page")
}

/// Letters of a token.
const LENGTH: usize = 32;

/// 128 bits that no one can guess.
fn fresh() -> String {
    // The standard library seeds both from the system's random numbers.
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}

/// Whether two texts are the same, in a time that does not tell where they differ.
fn same(a: &str, b: &str) -> bool {
    let differing = a
        .bytes()
        .zip(b.bytes())
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    a.len() == b.len() && differing == 0
}

/// The number of a refusal, and why.
pub(super) type Objection = (StatusCode, &'static str);

/// The names that a browser may call the page by. A page elsewhere whose name was made to lead here
/// has another one.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The address that the page listens on.
    pub(super) address: IpAddr,
    /// Further names, as of a reverse proxy.
    pub(super) further: Vec<String>,
}

impl Names {
    /// Why a request is refused by the names in it, and by what could be read in two ways: another server
    /// on the way may have read it in the other one.
    pub(super) fn objection(&self, uri: &Uri, headers: &HeaderMap) -> Option<Objection> {
        let foreign = |why| Some((StatusCode::FORBIDDEN, why));
        let broken = |why| Some((StatusCode::BAD_REQUEST, why));
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return broken("no Host, or several; expected one");
        };
        let host = host.to_str().unwrap_or_default();
        if !self.holds(host) {
            return foreign(
                "a foreign Host; expected the address of the page, localhost, or a name given as --page-name",
            );
        }
        // `GET http://HOST/` names it a second time.
        let named = uri.authority().map(Authority::as_str);
        if named.is_some_and(|named| !named.eq_ignore_ascii_case(host)) {
            return foreign("a foreign address; expected a path, or the address that Host names");
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        if let Some(origin) = origins.next() {
            if origins.next().is_some() {
                return broken("several Origins; expected one at most");
            }
            let origin = origin.to_str().unwrap_or_default();
            let origin = origin
                .strip_prefix("https://")
                .or(origin.strip_prefix("http://"));
            if origin.is_none_or(|origin| !origin.eq_ignore_ascii_case(host)) {
                return foreign("a foreign Origin; expected the page itself");
            }
        }
        // Beside a Content-Length, which is gone by now, it would say where the request ends in another way.
        if headers.contains_key(header::TRANSFER_ENCODING) {
            let why = "a request with Transfer-Encoding; expected Content-Length";
            return Some((StatusCode::LENGTH_REQUIRED, why));
        }
        None
    }

    fn holds(&self, host: &str) -> bool {
        // Whatever the port: a tunnel has another one.
        let Some(name) = name_of(host) else {
            return false;
        };
        if let Ok(address) = name.parse::<IpAddr>() {
            // Nobody's name leads anywhere else when an address is typed.
            return address.is_loopback()
                || address == self.address
                || self.address.is_unspecified();
        }
        let mut names = self.further.iter().map(String::as_str).chain(["localhost"]);
        names.any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// The name or address of `NAME`, `NAME:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`; `None` for anything else, as
/// with a user before it or letters behind the port.
fn name_of(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            name.parse::<Ipv6Addr>().ok()?;
            (name, port)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |port: &str| {
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        digits && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    let is_whole = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    (is_whole && !name.is_empty() && name.bytes().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter().cloned();
        pairs
            .map(|(name, value)| (name, value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn foreign_names_are_refused() {
        let names = Names {
            address: "127.0.0.1".parse().unwrap(),
            further: vec!["lab.example".to_owned()],
        };
        let path = Uri::from_static("/api");
        for (host, origin, holds) in [
            ("127.0.0.1:4000", None, true),
            ("localhost:9000", Some("http://localhost:9000"), true),
            ("[::1]:4000", None, true),
            ("lab.example", Some("https://lab.example"), true),
            ("evil.example", None, false),
            ("[::1]", None, true),
            ("LOCALHOST", Some("http://localhost"), true),
            ("127.0.0.1.evil.example:4000", None, false),
            ("127.0.0.1:4000.evil.example", None, false),
            ("127.0.0.1:4000@evil.example", None, false),
            ("user@127.0.0.1:4000", None, false),
            ("127.0.0.1:4000:4000", None, false),
            ("127.0.0.1:", None, false),
            ("127.0.0.1:+80", None, false),
            ("127.0.0.1:0", None, false),
            ("127.0.0.1:65536", None, false),
            ("127.0.0.1 ", None, false),
            ("[::1]evil.example", None, false),
            ("[::1]:4000.evil.example", None, false),
            ("[localhost]:4000", None, false),
            ("[::1", None, false),
            ("::1", None, false),
            ("", None, false),
            ("192.168.1.5:4000", None, false),
            ("127.0.0.1:4000", Some("http://evil.example"), false),
            ("127.0.0.1:4000", Some("http://127.0.0.1:4001"), false),
            ("127.0.0.1:4000", Some("null"), false),
        ] {
            let mut pairs = vec![(header::HOST, host)];
            pairs.extend(origin.map(|origin| (header::ORIGIN, origin)));
            let objection = names.objection(&path, &headers(&pairs));
            assert_eq!(
                objection.is_none(),
                holds,
                "{host} {origin:?}: {objection:?}"
            );
        }
        assert!(names.objection(&path, &HeaderMap::new()).is_some());
    }

    #[test]
    fn links_hold_as_long_as_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (tokens, port) = Tokens::of(folder.path());
        assert!(port.is_none() && tokens.control != tokens.watch);
        tokens.keep(folder.path(), 4000);
        let (again, port) = Tokens::of(folder.path());
        assert_eq!((&again.control, port), (&tokens.control, Some(4000)));
        let bearer = |token: &str| headers(&[(header::AUTHORIZATION, &format!("Bearer {token}"))]);
        assert_eq!(again.role(&bearer(&tokens.watch)), Some(Role::Watch));
        assert_eq!(again.role(&bearer(&tokens.control)), Some(Role::Control));
        assert_eq!(again.role(&bearer(&tokens.control[1..])), None);
        assert_eq!(again.role(&bearer("")), None);
        // A link to two campaigns.
        let (other, _) = Tokens::of(&folder.path().join("other"));
        let both = bearer(&format!("{},{}", other.control, tokens.watch));
        assert_eq!(again.role(&both), Some(Role::Watch));
        assert_eq!(other.role(&both), Some(Role::Control));
        assert_eq!(other.role(&bearer(&tokens.control)), None);
    }
}
