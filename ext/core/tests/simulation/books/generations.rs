//! Molds, promotions, rollouts, versions.

use pitchfork_core::supervisor::{self, Process, Role, State, Supervisor};
use pitchfork_core::wire::{Seat, Ticket};

use super::record::{Record, Refork};
use super::{Books, Check, ensure};

impl Books {
    pub(super) fn boots(&mut self, seat: &Seat, version: u32) -> Check {
        if version == self.version {
            return Ok(());
        }
        ensure(
            self.restarts.contains(&version),
            "boots a version that nobody asked for",
        )?;
        ensure(self.refork.is_none(), "a restart during a refork")?;
        self.begin(seat, version);
        Ok(())
    }

    pub(super) fn promotes(&mut self, worker: Ticket, seat: Seat) -> Check {
        ensure(self.settings[&1].adopts, "a refork without a subreaper")?;
        ensure(self.refork.is_none(), "two reforks at once")?;
        let record = self.find(worker)?;
        ensure(
            record.role == Role::Worker && record.is_at_work(),
            "it promotes who is not at work",
        )?;
        let version = record.version;
        ensure(
            version == self.version,
            "it promotes a worker of another version",
        )?;
        self.begin(&seat, version);
        self.introduce(seat, Role::Mold, version, Some(worker))
    }

    /// A mold that came instead of a lost one may take up its rollout, if there is code to be replaced.
    fn takes_up(&mut self, ticket: Ticket) {
        let Some(record) = self.records.get(&ticket) else {
            return;
        };
        let (seat, role, version) = (record.seat, record.role, record.version);
        let old = self.shed || (self.records.values()).any(|record| record.version < version);
        if role == Role::Mold && version == self.version && old && self.refork.is_none() {
            self.begin(&seat, version);
        }
    }

    fn begin(&mut self, seat: &Seat, version: u32) {
        let (mold, generation) = (seat.ticket, seat.generation);
        self.refork = Some(Refork {
            mold,
            generation,
            version,
            proven: self.wished == 0,
        });
    }

    pub(super) fn spawns(&mut self, mold: Ticket, seat: Seat) -> Check {
        let parent = self.find(mold)?;
        ensure(
            parent.role == Role::Mold && parent.is_at_work(),
            "the mold can't fork",
        )?;
        ensure(
            parent.seat.generation == seat.generation,
            "a worker of another generation",
        )?;
        let version = parent.version;
        self.judge_canary();
        if let Some(refork) = self.refork.filter(|refork| refork.mold == mold) {
            ensure(
                refork.proven || self.is_first(seat),
                "forked by a mold whose canary has not proved itself",
            )?;
        } else {
            ensure(
                version == self.version,
                "forked by a mold of another version",
            )?;
        }
        let role = if seat.service {
            Role::Service
        } else {
            Role::Worker
        };
        self.introduce(seat, role, version, Some(mold))
    }

    /// Whether a process would be the only one that has come out of a new mold.
    fn is_first(&self, seat: Seat) -> bool {
        let is_other = |record: &Record| {
            let leaves = record.killed || record.retired_at.is_some();
            record.role == Role::Worker && record.seat.generation == seat.generation && !leaves
        };
        !seat.service && !self.records.values().any(is_other)
    }

    /// Notes whether the first worker of a new mold has proved itself.
    pub(super) fn judge_canary(&mut self) {
        let Some(refork) = self.refork.filter(|refork| !refork.proven) else {
            return;
        };
        let settings = &self.settings[&refork.version];
        let proves = |record: &&Record| {
            let lived = record
                .ready_at
                .map(|at| at + settings.canary_time <= self.patience);
            let served = record.served >= settings.canary_requests;
            record.role == Role::Worker
                && (lived == Some(true) || record.ready_at.is_some() && served)
        };
        let proven = (self.records.values())
            .filter(|record| record.seat.generation == refork.generation)
            .any(|record| proves(&record));
        self.refork = Some(Refork { proven, ..refork });
    }

    pub(super) fn restarted(&mut self, version: u32) -> Check {
        let booted = self.refork.map(|refork| refork.version);
        ensure(
            booted == Some(version),
            "a restart without a mold has succeeded",
        )?;
        ensure(
            self.restarts.remove(&version),
            "the success of a restart that was not asked for",
        )?;
        ensure(version > self.version, "back to an older version")?;
        self.version = version;
        Ok(())
    }

    pub(super) fn check_versions(&self, supervisor: &Supervisor) -> Check {
        ensure(
            supervisor.version() == self.version,
            "another version than it said",
        )?;
        let differs = |p: &Process| self.records[&p.ticket()].version != p.version;
        ensure(
            !supervisor.processes().iter().any(differs),
            "a process of another version",
        )
    }

    pub(super) fn check_refork(&mut self, supervisor: &Supervisor) -> Check {
        let mold = match supervisor.refork() {
            supervisor::Refork::Idle => None,
            supervisor::Refork::Promoting { mold, .. }
            | supervisor::Refork::Booting { mold, .. }
            | supervisor::Refork::Rolling { mold, .. } => Some(mold),
        };
        self.wished = supervisor.wished_workers();
        if self.wished == 0 {
            // Nobody is there to be the canary.
            if let Some(refork) = &mut self.refork {
                refork.proven = true;
            }
        }
        if let Some(mold) = mold {
            self.takes_up(mold);
        }
        // Between a refusal and the next candidate the outsider still waits.
        let known = self.refork.map(|refork| refork.mold);
        ensure(mold.is_none() || mold == known, "an unknown refork")?;
        let processes = supervisor.processes();
        let lives = |p: &Process| {
            Some(p.ticket()) == mold && p.role == Role::Mold && p.state != State::Retiring
        };
        ensure(
            mold.is_none() || processes.iter().any(lives),
            "a refork to a mold that is gone",
        )?;
        let Some(refork) = self.refork.filter(|_| mold.is_some()) else {
            return Ok(());
        };
        let is_old = |p: &&Process| p.generation() != refork.generation;
        let is_abandoned = |p: &&Process| {
            let sent_away = p.role == Role::Mold && self.sent_away.contains(&p.ticket());
            sent_away && !self.records[&p.ticket()].failed
        };
        let abandoned = (processes.iter().filter(is_old)).any(|p| is_abandoned(&p));
        let old_ones = (processes.iter().filter(is_old)).any(|p| p.is_ready_worker());
        ensure(
            !(abandoned && old_ones),
            "the old mold retired before the rollout was done",
        )
    }
}
