//! Whether `refork_when :sharing` waits between two reforks.

use std::time::Duration;

use pitchfork_core::supervisor::Supervisor;

use super::{Books, Check, ensure};

/// The last refork that the policy has begun.
#[derive(Default)]
pub(super) struct Last {
    count: u64,
    version: u32,
    at: Option<Duration>,
}

impl Books {
    /// Each version of the code begins anew.
    pub(super) fn check_sharing(&mut self, clock: Duration, supervisor: &Supervisor) -> Check {
        let (count, version) = (supervisor.counters().sharing_reforks, supervisor.version());
        if self.sharing.version != version {
            (self.sharing.version, self.sharing.at) = (version, None);
        }
        if self.sharing.count == count {
            return Ok(());
        }
        let before = self.sharing.at.replace(clock);
        self.sharing.count = count;
        let interval = self.settings[&self.version].sharing_interval;
        let interval = interval.ok_or("a refork that nobody wished for")?;
        let waited = before.is_none_or(|before| before + 2 * interval <= clock);
        ensure(
            waited,
            "two reforks for the sharing, too soon one after the other",
        )
    }
}
