//! The supervisor's settings, events and actions as Ruby writes and reads them.

use std::time::Duration;

use magnus::rb_sys::{FromRawValue, protect};
use magnus::{Error, RArray, RHash, Ruby, Symbol, TryConvert, Value, prelude::*};
use pitchfork_core::policy::ReforkAfter;
use pitchfork_core::supervisor::{Action, Event, ExitStatus, Level, Promotion, Settings};

use crate::ruby::errors;

/// Reads the Hash that lib/pitchfork/master.rb makes from the configuration.
pub fn settings(ruby: &Ruby, hash: RHash) -> Result<Settings, Error> {
    fn get<T: TryConvert>(ruby: &Ruby, hash: RHash, name: &str) -> Result<T, Error> {
        hash.fetch(ruby.to_symbol(name))
    }
    let seconds = |name: &str| -> Result<Duration, Error> {
        let value: f64 = get(ruby, hash, name)?;
        Duration::try_from_secs_f64(value)
            .map_err(|error| errors::misuse(ruby, format!("{name} {value}: {error}")))
    };
    let promotion: Symbol = get(ruby, hash, "promotion")?;
    Ok(Settings {
        workers: get(ruby, hash, "workers")?,
        refork_after: ReforkAfter::new(
            get(ruby, hash, "refork_after")?,
            get(ruby, hash, "refork_repeats")?,
        ),
        max_unavailable: get(ruby, hash, "max_unavailable")?,
        promotion: match &*promotion.name()? {
            "in_place" => Promotion::InPlace,
            "fork" => Promotion::Fork,
            _ => Promotion::Auto,
        },
        spawn_timeout: seconds("spawn_timeout")?,
        retire_timeout: seconds("retire_timeout")?,
        max_consecutive_spawn_errors: get(ruby, hash, "max_consecutive_spawn_errors")?,
        adopts: get(ruby, hash, "adopts")?,
    })
}

/// What a signal to the master means.
pub fn signal(ruby: &Ruby, name: &str) -> Result<Event, Error> {
    let stop = |graceful, signal| Ok(Event::Stop { graceful, signal });
    match name {
        "QUIT" => stop(true, "QUIT"),
        "TERM" => stop(true, "TERM"),
        "INT" => stop(false, "INT"),
        "USR2" => Ok(Event::Refork),
        "TTIN" => Ok(Event::AddWorker),
        "TTOU" => Ok(Event::RemoveWorker),
        other => Err(errors::misuse(ruby, format!("SIG{other} means nothing"))),
    }
}

/// An action for Ruby.
pub fn answer(ruby: &Ruby, action: Action) -> Result<RArray, Error> {
    let array = ruby.ary_new();
    let name = |name| array.push(ruby.to_symbol(name));
    match action {
        Action::BootMold(seat) => {
            name("boot_mold")?;
            array.push(seat.generation)?;
        }
        Action::Listen => name("listen")?,
        Action::Log(level, text) => {
            name("log")?;
            array.push(ruby.to_symbol(match level {
                Level::Info => "info",
                Level::Warn => "warn",
                Level::Error => "error",
            }))?;
            array.push(text)?;
        }
        Action::ServerReady => name("server_ready")?,
        Action::WorkerExited {
            nr,
            generation,
            pid,
            status,
            requests,
        } => {
            name("worker_exited")?;
            array.push(nr)?;
            array.push(generation)?;
            array.push(pid)?;
            array.push(process_status(ruby, pid, status)?)?;
            array.push(requests)?;
        }
        Action::Exit(status) => {
            name("exit")?;
            array.push(status)?;
        }
        other => return Err(errors::misuse(ruby, format!("not for Ruby: {other:?}"))),
    }
    Ok(array)
}

/// A `Process::Status`, which Ruby makes only for its own waits: so this sets `$?` and reads it. Nil when nobody knows.
fn process_status(ruby: &Ruby, pid: u32, status: ExitStatus) -> Result<Value, Error> {
    // The encoding of wait(2), as WEXITSTATUS and WTERMSIG read it.
    let raw = match status {
        ExitStatus::Exited(status) => (status & 0xff) << 8,
        ExitStatus::Signaled(signal) => signal & 0x7f,
        ExitStatus::Unknown => return Ok(ruby.qnil().as_value()),
    };
    // SAFETY: the GVL is held, and numbers are all it takes.
    let value = protect(|| unsafe {
        rb_sys::rb_last_status_set(raw, pid as i32); // pids are positive pid_t
        rb_sys::rb_last_status_get()
    })?;
    // SAFETY: a Process::Status.
    Ok(unsafe { Value::from_raw(value) })
}
