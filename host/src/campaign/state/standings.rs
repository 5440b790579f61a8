//! Where every candidate stands, and which is next.

use beacon_kernel::{Candidate, Pixel};

use super::apply::{Contradiction, contradiction};
use super::{Author, NextPoint, Seeding, Standing, State};
use crate::campaign::Region;
use crate::campaign::seeds::places;

impl State {
    /// Chooses the next point where it is planned: first the points that people want, then the given
    /// seeds, then the order that is followed.
    pub(super) fn choose(&mut self) {
        if self.overview.is_none() || self.next.is_some() || self.exposing.is_some() {
            return;
        }
        while let Some(candidate) = self.wishes.pop_front() {
            if self.is_free(candidate) {
                return self.choose_planned(candidate, Author::Person);
            }
        }
        while let Seeding::Given(seeds) = &mut self.seeding {
            match seeds.pop_front() {
                Some(seed) if self.is_free(seed) => {
                    return self.choose_planned(seed, Author::Plan);
                }
                // It was measured, excluded or left out before its turn came.
                Some(_) => {}
                None => self.finish_seeding(),
            }
        }
        if self.seeding == Seeding::Random(0) {
            self.finish_seeding();
        }
        while let (Seeding::Done, Some(candidate)) = (&self.seeding, self.order.pop_front()) {
            if self.is_free(candidate) {
                return self.choose_planned(candidate, Author::Plan);
            }
        }
    }

    /// The points that are planned and may still be measured, in the order of their turns: those that
    /// people want, given seeds, an order that is followed.
    pub(crate) fn planned(&self) -> impl Iterator<Item = Candidate> {
        let next = self.next.filter(|next| next.proposed.is_none());
        let seeds = match &self.seeding {
            Seeding::Given(seeds) => Some(seeds),
            _ => None,
        };
        let later = self.wishes.iter().chain(seeds.into_iter().flatten());
        let later = later.chain(&self.order).copied();
        let next = next.map(|next| next.candidate);
        next.into_iter()
            .chain(later.filter(|&candidate| self.is_free(candidate)))
    }

    /// Assumes that a candidate was proposed, for a journal of version 1, which has no proposals.
    pub(crate) fn expect(&mut self, candidate: Candidate) {
        if self.next.is_none() && self.exposing.is_none() && self.is_free(candidate) {
            self.choose_planned(candidate, Author::Strategy);
        }
    }

    fn choose_planned(&mut self, candidate: Candidate, author: Author) {
        self.set_next(NextPoint {
            candidate,
            author,
            proposed: None,
            waits: false,
            begun: false,
        });
    }

    pub(super) fn finish_seeding(&mut self) {
        self.seeding = Seeding::Done;
        self.seeds = self.points.len();
        self.train_due = true;
    }

    pub(super) fn set_next(&mut self, next: NextPoint) {
        self.stand(next.candidate, Standing::Next);
        self.next = Some(next);
    }

    /// Frees a candidate where it is next.
    pub(super) fn release_next(&mut self, candidate: Candidate) {
        if self.next.is_some_and(|next| next.candidate == candidate) {
            self.next = None;
            self.stand(candidate, Standing::Free);
        }
    }

    /// Gives the exposure under way up: its candidate is next again.
    pub(super) fn give_up_exposure(&mut self) {
        if let Some((point, _)) = self.exposing.take() {
            self.set_next(NextPoint {
                begun: true,
                ..point
            });
        }
    }

    pub(super) fn stand(&mut self, candidate: Candidate, standing: Standing) {
        let Some(place) = self.standings.get_mut(candidate.index()) else {
            return;
        };
        let before = std::mem::replace(place, standing);
        self.free += usize::from(standing == Standing::Free);
        self.free -= usize::from(before == Standing::Free);
    }

    /// Gives every candidate of a region the standing that `to` makes of the one it has.
    pub(super) fn restand(&mut self, region: &Region, to: impl Fn(Standing) -> Option<Standing>) {
        let Some(candidates) = self.candidates else {
            return;
        };
        for row in region.rows.start..region.rows.end.min(candidates.height()) {
            for column in region.columns.start..region.columns.end.min(candidates.width()) {
                if let Some(candidate) = candidates.at(Pixel { row, column })
                    && let Some(standing) = to(self.standing(candidate))
                {
                    self.release_next(candidate);
                    self.stand(candidate, standing);
                }
            }
        }
    }

    pub(super) fn existing(
        &self,
        event: &'static str,
        candidate: u32,
    ) -> Result<Candidate, Contradiction> {
        let count = self.standings.len();
        if (candidate as usize) < count {
            return Ok(Candidate(candidate));
        }
        let why = format!("there is no candidate {candidate}, but {count} numbered from 0");
        Err(contradiction(event, why))
    }

    /// What to say of given seeds that are not measured because they lie where nothing is: how many, and where.
    pub(crate) fn lost_seeds(&self) -> Option<String> {
        let seeds = self.begun.seeds.as_deref().unwrap_or_default();
        let failed = |seed| self.unusable.iter().any(|(failed, _)| *failed == seed);
        let lost = |&seed: &Candidate| match self.standing(seed) {
            Standing::Excluded => true,
            Standing::LeftOut => !failed(seed),
            _ => false,
        };
        let lost = seeds.iter().copied().map(Candidate).filter(lost);
        let lost: Vec<Pixel> = lost.map(|seed| self.pixel(seed)).collect();
        (!self.standings.is_empty()).then_some(())?;
        of_seeds(&lost, seeds.len(), "not measured, excluded or without data")
    }

    /// What to say of given seeds that are still to come and lie in these regions.
    pub(crate) fn seeds_within(&self, regions: &[Region]) -> Option<String> {
        let seeds = self.begun.seeds.as_deref().unwrap_or_default();
        let to_come = |seed: &Candidate| {
            self.is_seeding() && matches!(self.standing(*seed), Standing::Free | Standing::Next)
        };
        let to_come = seeds.iter().copied().map(Candidate).filter(to_come);
        let lies = |pixel: &Pixel| regions.iter().any(|region| region.holds(*pixel));
        let there: Vec<Pixel> = to_come.map(|seed| self.pixel(seed)).filter(lies).collect();
        of_seeds(&there, seeds.len(), "not measured either")
    }

    pub(super) fn is_free(&self, candidate: Candidate) -> bool {
        self.standing(candidate) == Standing::Free
    }

    /// Candidates that may be measured, those chosen already included.
    pub(crate) fn free_at_first(&self) -> usize {
        self.free + usize::from(self.next.is_some())
    }

    /// Where a candidate stands; left out where there is none.
    pub fn standing(&self, candidate: Candidate) -> Standing {
        let standing = self.standings.get(candidate.index());
        standing.copied().unwrap_or(Standing::LeftOut)
    }

    /// The standings of all candidates, in their order; none before the first overview.
    pub fn standings(&self) -> &[Standing] {
        &self.standings
    }

    pub(super) fn pixel(&self, candidate: Candidate) -> Pixel {
        let pixel = self.candidates.and_then(|all| all.pixel(candidate).ok());
        pixel.unwrap_or(Pixel { row: 0, column: 0 })
    }
}

/// How many of the given seeds are so, and where they lie; `None` where none is.
fn of_seeds(pixels: &[Pixel], of: usize, what: &str) -> Option<String> {
    let count = pixels.len();
    let are = if count == 1 { "is" } else { "are" };
    (count > 0).then(|| format!("{count} of {of} seeds {are} {what}: {}", places(pixels)))
}
