//! A person who is asked what the oscilloscope shows.

use std::io::{BufRead, Write as _};
use std::sync::mpsc::{self, Receiver};

use crate::cli::log;
use crate::units::shortened;

/// The lines of a person, as they are typed.
pub(super) struct Person(Receiver<String>);

impl Person {
    /// Reads lines on a thread of its own, so that those typed ahead are known as such.
    pub(super) fn at(mut input: impl BufRead + Send + 'static) -> Self {
        let (typed, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            while matches!(input.read_line(&mut line), Ok(1..)) {
                if typed.send(std::mem::take(&mut line)).is_err() {
                    break;
                }
            }
        });
        Self(lines)
    }

    /// Asks whether what there was to see was there. One who is gone has not seen it.
    pub(super) fn ask(&self) -> Answer {
        // What was typed before the question answers another one.
        while self.0.try_recv().is_ok() {}
        loop {
            let _ = write!(std::io::stderr(), "   {QUESTION}: ");
            let Ok(line) = self.0.recv() else {
                return Answer::NotSeen;
            };
            match answer(&line) {
                Ok(answer) => return answer,
                Err(why) => log(&format!("   {why}")),
            }
        }
    }
}

const QUESTION: &str = "Enter if that is what you see, r to have it once more, n if not";

/// What a line says.
fn answer(line: &str) -> Result<Answer, String> {
    match line.trim() {
        "" => Ok(Answer::Seen),
        "r" => Ok(Answer::Again),
        "n" => Ok(Answer::NotSeen),
        other => Err(format!(
            "the answer is `{}`; expected Enter, r or n",
            shortened(other)
        )),
    }
}

/// What a person says of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Seen,
    Again,
    NotSeen,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_that_is_no_answer_is_none() {
        assert_eq!(answer("\n"), Ok(Answer::Seen));
        assert_eq!(answer(" r\n"), Ok(Answer::Again));
        assert_eq!(answer("n"), Ok(Answer::NotSeen));
        let why = answer("yes\n").unwrap_err();
        assert_eq!(why, "the answer is `yes`; expected Enter, r or n");
    }

    /// A line that is typed later, after a person has seen the question.
    struct Later {
        first: std::io::Cursor<&'static [u8]>,
        then: Receiver<&'static [u8]>,
    }

    impl std::io::Read for Later {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            match self.first.read(into)? {
                0 => match self.then.recv() {
                    Ok(typed) => {
                        self.first = std::io::Cursor::new(typed);
                        self.first.read(into)
                    }
                    Err(_) => Ok(0),
                },
                some => Ok(some),
            }
        }
    }

    #[test]
    fn what_was_typed_ahead_answers_nothing() {
        let (typing, then) = mpsc::channel();
        let person = Person::at(std::io::BufReader::new(Later {
            first: std::io::Cursor::new(b"\n\n"),
            then,
        }));
        // Until both lines were read: they lie in the channel then.
        std::thread::sleep(Duration::from_millis(200));
        let asked = std::thread::spawn(move || person.ask());
        std::thread::sleep(Duration::from_millis(200));
        typing.send(b"what\nn\n").unwrap();
        assert_eq!(asked.join().unwrap(), Answer::NotSeen);
    }

    #[test]
    fn who_is_gone_has_seen_nothing() {
        let person = Person::at(std::io::Cursor::new(b""));
        assert_eq!(person.ask(), Answer::NotSeen);
    }
}
