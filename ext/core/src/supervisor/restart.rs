//! How far is the new code?
//!
//! A hot restart boots a mold of a new version and rolls it out like any other. Until its first worker has proved itself there
//! is a way back: the old version serves on, with its mold and its settings. From then on the new one is in force, and what
//! fails is mended with it.

use std::time::Duration;

use super::{Action, Level, Phase, Process, Refork, Role, Settings, State, Supervisor, Version};
use crate::wire::Ticket;

impl Supervisor {
    /// The operator asks, with HUP. The newest request wins: one that waits, or boots, gives way.
    pub(super) fn restart_requested(
        &mut self,
        now: Duration,
        version: u32,
        settings: Box<Settings>,
    ) {
        let waiting = self.restart.take().map(|waiting| waiting.number);
        let booting = matches!(self.refork, Refork::Booting { .. })
            .then(|| self.upcoming.as_ref().map(|booting| booting.number))
            .flatten();
        for older in [waiting, booting].into_iter().flatten() {
            let why = format!("superseded by version={version}");
            self.log(
                Level::Info,
                format!("hot restart to version={older} is {why}"),
            );
            if booting == Some(older) {
                self.abandon_restart(now);
            }
            let version = older;
            self.act(Action::RestartFailed { version, why });
        }
        self.restart = Some(Version {
            number: version,
            settings,
        });
    }

    /// Whatever state the server is in: new code may be what it needs.
    pub(super) fn begin_restart_if_wanted(&mut self, now: Duration) {
        if self.phase != Phase::Serving || self.refork != Refork::Idle {
            return;
        }
        let Some(wanted) = self.restart.take() else {
            return;
        };
        let (version, generation) = (wanted.number, self.next_generation());
        self.upcoming = Some(wanted);
        self.log(
            Level::Info,
            format!("hot restart: version={version} gen={generation}"),
        );
        let seat = self.enlist(now, Role::Mold, 0, generation, version, None);
        self.refork = Refork::Booting {
            mold: seat.ticket,
            generation,
        };
        self.act(Action::BootMold { seat, version });
    }

    /// The first worker of the new version has proved itself: there is no way back.
    pub(super) fn commit_restart(&mut self) {
        let Some(new) = self.upcoming.take() else {
            return;
        };
        self.refork_wanted = false; // this rollout is the one that was wished for
        self.version = new.number;
        self.boots.retain(|version, _| *version >= new.number);
        self.settings = *new.settings;
        self.workers = self.settings.workers;
        self.sharing = self.settings.sharing(); // what was learnt of the old code is no use any more
        self.limit_backoff.reset();
        self.counters.restarts += 1;
        self.spawn_errors = 0;
        self.spawn_backoff.reset();
        self.mold_backoff.reset();
        self.mold_attempts = 0;
        let version = new.number;
        self.log(
            Level::Info,
            format!("hot restart: version={version} serves"),
        );
        self.act(Action::Restarted { version });
    }

    /// Back to the version that serves. Answers whether there was anything to go back from.
    pub(super) fn fail_restart(&mut self, now: Duration, why: &str) -> bool {
        let Some(new) = &self.upcoming else {
            return false;
        };
        let (version, serves) = (new.number, self.version);
        self.counters.failed_restarts += 1;
        let text =
            format!("hot restart to version={version} failed: {why}; version={serves} serves on");
        self.log(Level::Error, text);
        self.abandon_restart(now);
        let why = why.to_string();
        self.act(Action::RestartFailed { version, why });
        true
    }

    /// Sends away whatever there is of the new version.
    fn abandon_restart(&mut self, now: Duration) {
        let Some(new) = self.upcoming.take() else {
            return;
        };
        self.refork = Refork::Idle;
        let leftovers: Vec<(Ticket, State)> = (self.processes.iter())
            .filter(|p| p.version == new.number && p.is_live())
            .map(|p| (p.ticket(), p.state))
            .collect();
        for (ticket, state) in leftovers {
            if state == State::Starting {
                self.dismiss_now(now, ticket);
            } else {
                self.retire(now, ticket);
            }
        }
    }

    /// Whether this is the mold that boots new code.
    pub(super) fn is_booting(&self, process: &Process) -> bool {
        matches!(self.refork, Refork::Booting { mold, .. } if mold == process.ticket())
    }

    /// The settings that a process of this version lives by.
    pub(super) fn settings_of(&self, version: u32) -> &Settings {
        match &self.upcoming {
            Some(upcoming) if upcoming.number == version => &upcoming.settings,
            _ => &self.settings,
        }
    }

    /// For log lines: nothing as long as there has been one version only.
    pub(super) fn of_version(&self, version: u32) -> String {
        if version > 1 {
            format!(" version={version}")
        } else {
            String::new()
        }
    }
}
