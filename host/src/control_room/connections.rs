//! Who is connected: how many at a time, who has to make way, and who has nothing to say.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::select;
use tokio::sync::Notify;

use super::access::Role;

/// Connections at a time. A further one takes the place of whoever may do least.
const MOST: usize = 600;
/// How long a connection may say nothing before its first request, and between two.
const FIRST: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_secs(20);

/// The connections that there are, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Connections {
    held: Mutex<(u64, BTreeMap<u64, Arc<Held>>)>,
}

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Held {
    /// What its requests may do: nothing, see, or steer.
    rank: AtomicU8,
    /// Requests that are answered.
    busy: AtomicUsize,
    /// When the last of them came or was over, and whether there was one.
    last: Mutex<(Instant, bool)>,
    /// Another connection takes its place.
    displaced: Notify,
}

/// A place among the connections, until this is dropped.
pub(super) struct Place {
    connections: Arc<Connections>,
    number: u64,
    pub(super) held: Arc<Held>,
}

/// A request that is answered, until this is dropped.
pub(super) struct Busy(Arc<Held>);

impl Connections {
    /// A place for one more; where all are taken, the oldest of those who may do least makes way.
    /// `None` where all who are there may steer.
    pub(super) fn admit(connections: &Arc<Self>) -> Option<Place> {
        let mut held = connections
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (last, all) = &mut *held;
        if all.len() >= MOST {
            let least = all
                .iter()
                .min_by_key(|(number, held)| (held.rank(), **number));
            let (&number, least) = least?;
            if least.rank() == rank(Some(Role::Control)) {
                return None;
            }
            least.displaced.notify_one();
            all.remove(&number);
        }
        *last += 1;
        let held = Arc::new(Held {
            rank: AtomicU8::new(rank(None)),
            busy: AtomicUsize::new(0),
            last: Mutex::new((Instant::now(), false)),
            displaced: Notify::new(),
        });
        all.insert(*last, Arc::clone(&held));
        Some(Place {
            connections: Arc::clone(connections),
            number: *last,
            held,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let held = &self.connections.held;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        held.1.remove(&self.number);
    }
}

fn rank(role: Option<Role>) -> u8 {
    match role {
        None => 0,
        Some(Role::Watch) => 1,
        Some(Role::Control) => 2,
    }
}

impl Held {
    fn rank(&self) -> u8 {
        self.rank.load(Ordering::Relaxed)
    }

    /// Notes what a request of this connection may do.
    pub(super) fn may(&self, role: Role) {
        self.rank.fetch_max(rank(Some(role)), Ordering::Relaxed);
    }

    /// Notes that a request is answered, for as long as what is returned is kept.
    pub(super) fn begin(held: &Arc<Self>) -> Busy {
        held.busy.fetch_add(1, Ordering::Relaxed);
        held.touch();
        Busy(Arc::clone(held))
    }

    fn touch(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (Instant::now(), true);
    }

    /// Ends when the connection is to be hung up on.
    pub(super) async fn over(&self) {
        let displaced = pin!(self.displaced.notified());
        select(displaced, pin!(self.silent())).await;
    }

    /// Ends when nothing has come for too long.
    async fn silent(&self) {
        loop {
            let (since, asked) = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let busy = self.busy.load(Ordering::Relaxed) > 0;
            let patience = if asked { BETWEEN } else { FIRST };
            let left = patience.saturating_sub(since.elapsed());
            match (busy, left.is_zero()) {
                (false, true) => return,
                (true, _) => tokio::time::sleep(FIRST).await,
                (false, false) => tokio::time::sleep(left).await,
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
        self.0.touch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_do_least_makes_way_and_nobody_who_steers() {
        let all = Arc::new(Connections::default());
        let mut places: Vec<Place> = (0..MOST).filter_map(|_| Connections::admit(&all)).collect();
        assert_eq!(places.len(), MOST);
        for place in &places[..MOST - 1] {
            place.held.may(Role::Control);
        }
        places[MOST - 1].held.may(Role::Watch);
        // A stranger takes the place of the one that watches, and the next one that of the stranger.
        let stranger = Connections::admit(&all).unwrap();
        let steers = Connections::admit(&all).unwrap();
        steers.held.may(Role::Control);
        assert!(Connections::admit(&all).is_none());
        drop(stranger);
        places.pop();
        assert!(Connections::admit(&all).is_none());
        places.pop();
        assert!(Connections::admit(&all).is_some());
    }
}
