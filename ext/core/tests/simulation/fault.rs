//! What goes wrong, how often, and how often it has.

use std::collections::BTreeMap;
use std::fmt;

use crate::dice::Dice;

/// What goes wrong by chance, each kind at its own rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A new process dies before its first message.
    Stillborn,
    /// It dies between that and being ready.
    DiesYoung,
    /// It dies at any moment of its first two seconds at work.
    DiesAtWork,
    /// It leaves with status 0 then.
    Leaves,
    /// It gets a request that takes too long, and gives it up when it is told to.
    IsLate,
    /// ... or does not.
    IsStuck,
    /// Its app moves a request's deadline: later, or to sooner.
    MovesDeadline,
    /// It dies right before a step of the protocol, or right after it.
    DiesMidStep,
    /// It hangs for ever, before it is ready or later.
    Hangs,
    /// It takes about as long as it may to be ready, or a bit longer.
    IsSlow,
    /// fork(2) fails.
    ForkFails,
    /// A worker refuses its promotion.
    Refuses,
    /// The order can't even be sent.
    Unreachable,
    /// The end of a process is reported before its last messages.
    ReapedEarly,
    /// What was read in the turn in which a channel was closed is told afterwards.
    HeardLate,
}

impl Fault {
    pub const ALL: [Fault; 15] = [
        Fault::Stillborn,
        Fault::DiesYoung,
        Fault::DiesAtWork,
        Fault::Leaves,
        Fault::IsLate,
        Fault::IsStuck,
        Fault::MovesDeadline,
        Fault::DiesMidStep,
        Fault::Hangs,
        Fault::IsSlow,
        Fault::ForkFails,
        Fault::Refuses,
        Fault::Unreachable,
        Fault::ReapedEarly,
        Fault::HeardLate,
    ];
}

/// How often each fault happens, in percent of its occasions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates([u8; Fault::ALL.len()]);

impl Rates {
    /// Most things go well, some fail now and then, some nearly always.
    pub fn random(dice: &mut Dice) -> Rates {
        let mut rates = Rates::default();
        for rate in &mut rates.0 {
            *rate = match dice.below(6) {
                0..3 => 0,
                3..5 => dice.between(1, 14) as u8,
                _ => dice.between(15, 99) as u8,
            };
        }
        rates.set(Fault::DiesMidStep, rates.of(Fault::DiesMidStep) / 8);
        rates
    }

    pub fn of(&self, fault: Fault) -> u8 {
        self.0[fault as usize]
    }

    pub fn set(&mut self, fault: Fault, percent: u8) {
        self.0[fault as usize] = percent;
    }
}

/// How often what has happened.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub fn count(&mut self, what: &str) {
        self.count_many(what, 1);
    }

    pub fn count_many(&mut self, what: &str, times: u64) {
        match self.0.get_mut(what) {
            Some(count) => *count += times,
            None => drop(self.0.insert(what.to_string(), times)),
        }
    }

    pub fn add(&mut self, other: &Tally) {
        for (what, count) in &other.0 {
            *self.0.entry(what.clone()).or_default() += count;
        }
    }
}

/// Three columns.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (what, count)) in self.0.iter().enumerate() {
            let end = if index % 3 == 2 { "\n" } else { "" };
            write!(f, "{count:>9} {what:<26}{end}")?;
        }
        Ok(())
    }
}
