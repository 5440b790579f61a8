//! What answers whoever calls.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::answers::{said, words};
use super::caller::Caller;
use super::shared::{Shared, lock};
use super::{Request, Status, WRONG_TOKEN};
use crate::campaign::{Command, Given, Otherwise, TimeOut};
use crate::journal::{Commands, now_ms};
use crate::units::sure_of_seconds;

/// Connections at a time; further ones wait for the deadline of those.
pub(super) const CALLERS: usize = 16;
/// How often the campaign looks for callers, and for what they send.
const IDLE: Duration = Duration::from_millis(20);
pub(super) const BUSY: Duration = Duration::from_millis(1);
/// Commands that wait, of which a status tells.
pub(super) const MOST_TOLD: usize = 100;

/// What answers, on a thread of its own.
pub(super) struct Server {
    token: String,
    commands: Commands,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    pub(super) fn new(token: String, commands: Commands, shared: Arc<Mutex<Shared>>) -> Self {
        Self {
            token,
            commands,
            shared,
        }
    }

    /// Answers whoever calls until the campaign ends. No caller can make the others wait.
    pub(super) fn serve(&mut self, listener: &TcpListener, closing: &AtomicBool) {
        let mut callers: Vec<Caller> = Vec::new();
        while !closing.load(Ordering::Relaxed) {
            while callers.len() < CALLERS
                && let Ok((stream, _)) = listener.accept()
            {
                callers.extend(Caller::new(stream));
            }
            // A caller that hangs up early or takes too long gets no answer.
            callers.retain_mut(|caller| caller.go_on(|request| self.answer(request)));
            self.answer_for_nobody();
            std::thread::sleep(if callers.is_empty() { IDLE } else { BUSY });
        }
    }

    /// Gives the command that follows where nobody has answered a proposal in time.
    fn answer_for_nobody(&mut self) {
        let (overdue, candidates) = {
            let shared = lock(&self.shared);
            (shared.overdue(), shared.state.candidates())
        };
        let Some((candidate, then)) = overdue else {
            return;
        };
        let pixel = candidates.and_then(|all| all.pixel(candidate).ok());
        let words = match (then, pixel) {
            (Otherwise::Go, Some(at)) => {
                vec!["accept".to_owned(), format!("{},{}", at.row, at.column)]
            }
            _ => vec!["pause".to_owned()],
        };
        // Where the disk takes no command, the proposal waits on.
        let _ = self.take(&Request {
            token: String::new(),
            words,
            name: TimeOut::NAME.to_owned(),
        });
    }

    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let line = request.split(|&byte| byte == b'\n').next();
        let answer = match serde_json::from_slice::<Request>(line.unwrap_or_default()) {
            Ok(request) if request.token == self.token => self.take(&request),
            Ok(_) => Err(WRONG_TOKEN.to_owned()),
            Err(error) => Err(format!("not a request: {error}")),
        };
        let answer = match answer {
            Ok(value) => serde_json::json!({ "ok": value }),
            Err(error) => serde_json::json!({ "error": error }),
        };
        format!("{answer}\n").into_bytes()
    }

    fn take(&mut self, request: &Request) -> Result<Value, String> {
        let words: Vec<&str> = request.words.iter().map(String::as_str).collect();
        if words == ["status"] {
            let status = self.status();
            return serde_json::to_value(status).map_err(|error| error.to_string());
        }
        // The campaign does not wait for the disk meanwhile.
        let state = lock(&self.shared).after_waiting();
        let command = match (&words[..], state.candidates()) {
            (["pause"], _) => Command::Pause,
            (["resume"], _) => Command::Resume,
            (["stop"] | ["stop", "now"], _) => Command::Stop,
            (words, Some(candidates)) => Command::parse(words, candidates)?,
            (_, None) => return Err("the first overview is not taken yet".to_owned()),
        };
        if let (Command::Dwell(seconds), ["dwell", text]) = (&command, &words[..]) {
            sure_of_unit(text, *seconds, state.settings().dwell.get())?;
        }
        let judged = (state.candidates()).and_then(|all| Command::judged(&words, all));
        let other = judged.and_then(|judged| state.objection_to_judging(judged));
        let objection = || state.objection(&command);
        if let Some(why) = other.or_else(objection).or_else(|| self.too_late(&command)) {
            return Err(why);
        }
        let mut said = said(&command, &state);
        if let Some(ended) = state.ended_by(&command) {
            said = format!("{said}; this ends the campaign after the point under way: {ended}");
        }
        let given = Given {
            command,
            by: request
                .name
                .chars()
                .filter(|c| !c.is_control())
                .take(80)
                .collect(),
            at_ms: now_ms(),
        };
        let kept = self.commands.append(&given);
        kept.map_err(|error| format!("the command cannot be kept on disk: {error}"))?;
        let mut shared = lock(&self.shared);
        shared.waiting.push_back(given);
        if words == ["stop", "now"]
            && let Some(interrupt) = &shared.interrupt
        {
            interrupt.abort();
            "the beam is blanked at once, and the campaign ends; `beacon resume` goes on from there"
                .clone_into(&mut said);
        }
        Ok(Value::String(said))
    }

    /// Why a limit of the time is refused that has passed already; the state knows no clock.
    fn too_late(&self, command: &Command) -> Option<String> {
        let Command::TimeLimit(Some(limit)) = *command else {
            return None;
        };
        let running = lock(&self.shared).running().as_secs_f64();
        (limit <= running).then(|| {
            format!(
                "time-limit is {limit} s; expected more than the {running:.1} s that the campaign has been \
                 running, or `stop`"
            )
        })
    }

    fn status(&self) -> Status {
        let shared = lock(&self.shared);
        let running = shared.running();
        let (state, activity) = (shared.state.clone(), shared.activity.clone());
        let pauses = shared.after_waiting().is_paused() && !state.is_paused();
        let waiting = shared.waiting.iter();
        let told = waiting.take(MOST_TOLD);
        let commands = told.map(|given| words(given, &state)).collect();
        let (beam, last_event_ms) = (shared.beam, shared.last_event_ms);
        let (coverage, left) = (shared.coverage, shared.left());
        // The campaign does not wait for what takes time on a large image.
        drop(shared);
        let mut status = Status::new(&state, &activity, running);
        (status.blanked, status.blanked_since_ms) = beam.unzip();
        status.last_event_ms = last_event_ms;
        status.coverage = coverage;
        status.left_seconds = left.map(|left| left.as_secs_f64());
        status.commands = commands;
        if pauses {
            status.state += ", pausing after this point";
        }
        status
    }
}

/// Refuses a bare number that makes the dwell far longer: it may be meant in ms, and a spectrum of minutes
/// costs dose that nothing brings back.
fn sure_of_unit(text: &str, seconds: f64, before: f64) -> Result<(), String> {
    /// Times longer that a bare number may make it.
    const FAR: f64 = 10.0;
    let than = format!("{FAR} times the {before} s until now");
    sure_of_seconds("dwell", text, seconds, (FAR * before, &than))
}

#[cfg(test)]
mod tests {
    use super::sure_of_unit;

    #[test]
    fn a_dwell_that_is_far_longer_needs_its_unit() {
        assert_eq!(
            sure_of_unit("500", 500.0, 0.5).unwrap_err(),
            "dwell is 500, which is in seconds and more than 10 times the 0.5 s until now; expected it with its \
             unit, as in 500ms or 500s"
        );
        for (text, seconds) in [("500ms", 0.5), ("500s", 500.0), ("5", 5.0), ("0.1", 0.1)] {
            assert_eq!(sure_of_unit(text, seconds, 0.5), Ok(()), "{text}");
        }
    }
}
