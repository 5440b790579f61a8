//! One line in, one line out.
//!
//! | line | answer |
//! |---|---|
//! | `points SURROGATE SEED C C …` | `ok points N` |
//! | `train N` | `ok seconds S epochs E`, with E = 0 where the surrogate keeps its model |
//! | `decide N STRATEGY` | `ok seconds S candidate C` |
//! | `decide-anew N STRATEGY` | the same, with the model handed over between |
//! | `judge N` | `ok mae X nlpd Y` |
//!
//! What cannot be done is answered by `error` and why, and changes nothing.

use std::str::FromStr;

use beacon_host::train::SurrogateKind;
use beacon_kernel::{Candidate, Strategy};
use clap::ValueEnum as _;

use super::{Bout, BoutError, Handover, Scene};

/// A line that says nothing known.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The first word is no command, or it has too few or too many words behind it.
    #[error("`{0}` is not understood; points, train, decide, decide-anew and judge are")]
    Line(String),
    /// A word that should be a number.
    #[error("`{0}` is not a whole number from 0")]
    Number(String),
    /// A word that should be a strategy.
    #[error("`{0}` is not a strategy")]
    Strategy(String),
    /// A word that should be a surrogate.
    #[error("`{0}` is not a surrogate; filters and cnn are")]
    Surrogate(String),
    /// Something is asked before any points were given.
    #[error("no points yet; `points SURROGATE SEED C C …` gives them")]
    NoPoints,
    /// The step failed.
    #[error(transparent)]
    Bout(#[from] BoutError),
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Start over with these points and an untrained model, seeded.
    Points(SurrogateKind, u64, Vec<Candidate>),
    /// Train on the first so many points.
    Train(usize),
    /// Decide after so many points.
    Decide(usize, Strategy, Handover),
    /// Judge what was trained after so many points.
    Judge(usize),
}

impl FromStr for Ask {
    type Err = ProtocolError;

    fn from_str(line: &str) -> Result<Self, ProtocolError> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["points", surrogate, seed, ref points @ ..] => {
                let kind = SurrogateKind::from_str(surrogate, false)
                    .map_err(|_| ProtocolError::Surrogate(surrogate.to_owned()))?;
                let points = points.iter().map(|word| number(word).map(Candidate));
                Ok(Self::Points(
                    kind,
                    number(seed)?,
                    points.collect::<Result<_, _>>()?,
                ))
            }
            ["train", count] => Ok(Self::Train(number(count)?)),
            ["judge", count] => Ok(Self::Judge(number(count)?)),
            [verb @ ("decide" | "decide-anew"), count, name] => {
                let strategy = Strategy::from_name(name)
                    .ok_or_else(|| ProtocolError::Strategy(name.to_owned()))?;
                let handover = match verb {
                    "decide" => Handover::Done,
                    _ => Handover::Timed,
                };
                Ok(Self::Decide(number(count)?, strategy, handover))
            }
            _ => Err(ProtocolError::Line(line.trim().to_owned())),
        }
    }
}

fn number<N: FromStr>(word: &str) -> Result<N, ProtocolError> {
    word.parse()
        .map_err(|_| ProtocolError::Number(word.to_owned()))
}

/// Does what the line asks for and says what came of it, in one line without its end.
pub fn answer<'s>(scene: &'s Scene, bout: &mut Option<Bout<'s>>, line: &str) -> String {
    let done = line.parse().and_then(|ask| carry_out(scene, bout, ask));
    done.unwrap_or_else(|error| format!("error {error}"))
}

fn carry_out<'s>(
    scene: &'s Scene,
    bout: &mut Option<Bout<'s>>,
    ask: Ask,
) -> Result<String, ProtocolError> {
    Ok(match (ask, bout.as_mut()) {
        (Ask::Points(surrogate, seed, points), _) => {
            let count = points.len();
            *bout = Some(Bout::new(scene, surrogate, seed, points)?);
            format!("ok points {count}")
        }
        (_, None) => return Err(ProtocolError::NoPoints),
        (Ask::Train(count), Some(bout)) => {
            let fit = bout.train(count)?;
            let seconds = fit.elapsed.as_secs_f64();
            let epochs = fit.value.map_or(0, |report| report.epochs);
            format!("ok seconds {seconds} epochs {epochs}")
        }
        (Ask::Decide(count, strategy, handover), Some(bout)) => {
            let proposal = bout.decide(count, strategy, handover)?;
            let seconds = proposal.elapsed.as_secs_f64();
            let candidate = proposal.value.candidate.0;
            format!("ok seconds {seconds} candidate {candidate}")
        }
        (Ask::Judge(count), Some(bout)) => {
            let judgement = bout.judge(count)?;
            format!("ok mae {} nlpd {}", judgement.mae, judgement.nlpd)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_says_what_it_asks_for() {
        let points = vec![Candidate(3), Candidate(0)];
        let expected = Ask::Points(SurrogateKind::Filters, 7, points);
        assert_eq!("points filters 7 3 0".parse(), Ok(expected));
        let expected = Ask::Points(SurrogateKind::Network, 1, Vec::new());
        assert_eq!("points cnn 1".parse(), Ok(expected));
        assert_eq!(" train 30\n".parse(), Ok(Ask::Train(30)));
        assert_eq!("judge 30".parse(), Ok(Ask::Judge(30)));
        assert_eq!(
            "decide 30 beacon".parse(),
            Ok(Ask::Decide(30, Strategy::Beacon, Handover::Done))
        );
        assert_eq!(
            "decide-anew 30 random".parse(),
            Ok(Ask::Decide(30, Strategy::Random, Handover::Timed))
        );
    }

    #[test]
    fn a_line_that_says_nothing_known_is_named() {
        let error = |line: &str| line.parse::<Ask>().unwrap_err();
        assert_eq!(error("train"), ProtocolError::Line("train".to_owned()));
        assert_eq!(error(""), ProtocolError::Line(String::new()));
        assert_eq!(error("judge -1"), ProtocolError::Number("-1".to_owned()));
        assert_eq!(
            error("points net 1 0"),
            ProtocolError::Surrogate("net".to_owned())
        );
        assert_eq!(
            error("decide 3 best"),
            ProtocolError::Strategy("best".to_owned())
        );
    }
}
