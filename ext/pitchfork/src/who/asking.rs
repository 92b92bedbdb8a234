//! The side of whoever asks: the rows of a scoreboard that was found in /proc.

use magnus::{Error, Module, RClass, RModule, Ruby, method};

use crate::ruby::errors;
use crate::ruby::scoreboard::RbScoreboard;
use crate::sys::clock::nanoseconds;
use crate::sys::scoreboard::{ROWS, Row};

/// `[index, pid, requests]` of each process that has taken its row.
fn rows(scoreboard: &RbScoreboard) -> Vec<(u32, u32, u64)> {
    let rows = (0..ROWS as u32).map(|index| (index, scoreboard.0.row(index)));
    let rows = rows.map(|(index, row)| (index, row.pid(), row.requests()));
    rows.filter(|(_, pid, _)| *pid != 0).collect()
}

/// Asks the process of a row to say, at that time, who broke the sharing of its memory. `false`: somebody else has asked, or
/// its answer has been there for less than `kept`. Nanoseconds, the first of CLOCK_MONOTONIC.
fn ask(
    ruby: &Ruby,
    scoreboard: &RbScoreboard,
    index: u32,
    until: u64,
    kept: u64,
) -> Result<bool, Error> {
    let stale = nanoseconds().saturating_sub(kept);
    Ok(row(ruby, scoreboard, index)?.ask_who(until, stale))
}

/// Takes it back.
fn forget(ruby: &Ruby, scoreboard: &RbScoreboard, index: u32, until: u64) -> Result<(), Error> {
    row(ruby, scoreboard, index)?.forget_who(until);
    Ok(())
}

fn row<'a>(ruby: &Ruby, scoreboard: &'a RbScoreboard, index: u32) -> Result<&'a Row, Error> {
    if (index as usize) < ROWS {
        Ok(scoreboard.0.row(index))
    } else {
        let why = format!("the scoreboard has no row {index}");
        Err(errors::misuse(ruby, why))
    }
}

/// Defines the methods, on a class that is there.
pub fn init(pitchfork: RModule) -> Result<(), Error> {
    let class: RClass = pitchfork.const_get("Scoreboard")?;
    class.define_method("rows", method!(rows, 0))?;
    class.define_method("ask_who", method!(ask, 3))?;
    class.define_method("forget_who", method!(forget, 2))?;
    Ok(())
}
