//! The supervisor's settings, events and actions as Ruby writes and reads them.

use std::time::Duration;

use magnus::rb_sys::{FromRawValue, protect};
use magnus::{Error, RArray, RHash, Ruby, Symbol, TryConvert, Value, prelude::*};
use pitchfork_core::policy::{Limits, Measure, MemoryLimit, ReforkAfter};
use pitchfork_core::supervisor::{Action, Counters, Event, ExitStatus, Level, Promotion, Settings};

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
    let services: Vec<String> = get(ruby, hash, "service_workers")?;
    let optional_seconds = |name: &str| -> Result<Option<Duration>, Error> {
        let value: Option<f64> = get(ruby, hash, name)?;
        let value = value.map(Duration::try_from_secs_f64).transpose();
        value.map_err(|error| errors::misuse(ruby, format!("{name}: {error}")))
    };
    let measure: Option<Symbol> = get(ruby, hash, "memory_measure")?;
    let measure = measure.map(|measure| measure.name().map(|name| measure_called(&name)));
    let memory_limit = match measure.transpose()? {
        Some(measure) => Some(MemoryLimit {
            measure,
            soft: get(ruby, hash, "memory_soft")?,
            hard: get(ruby, hash, "memory_hard")?,
        }),
        None => None,
    };
    let cleanup = seconds("cleanup_timeout")?;
    Ok(Settings {
        workers: get(ruby, hash, "workers")?,
        services: services.into_iter().map(Into::into).collect(),
        refork_after: ReforkAfter::new(
            get(ruby, hash, "refork_after")?,
            get(ruby, hash, "refork_repeats")?,
        ),
        sharing_interval: optional_seconds("sharing_interval")?,
        max_unavailable: get(ruby, hash, "max_unavailable")?,
        promotion: match &*promotion.name()? {
            "in_place" => Promotion::InPlace,
            "fork" => Promotion::Fork,
            _ => Promotion::Auto,
        },
        first_worker_leads: get(ruby, hash, "first_worker_leads")?,
        spawn_timeout: seconds("spawn_timeout")?,
        // Whoever retires may have begun a request just now.
        retire_timeout: seconds("timeout")? + cleanup,
        cleanup,
        canary_requests: get(ruby, hash, "canary_requests")?,
        canary_time: seconds("canary_seconds")?,
        limits: Limits {
            requests: get(ruby, hash, "max_requests")?,
            lifetime: optional_seconds("max_lifetime")?,
            jitter: get(ruby, hash, "max_requests_jitter")?,
            seed: get(ruby, hash, "seed")?,
        },
        memory_limit,
        max_consecutive_spawn_errors: get(ruby, hash, "max_consecutive_spawn_errors")?,
        adopts: get(ruby, hash, "adopts")?,
    })
}

fn measure_called(name: &str) -> Measure {
    match name {
        "pss" => Measure::Pss,
        _ => Measure::Private,
    }
}

/// What a signal to the master asks of Ruby.
pub fn errand(signal: &str) -> Option<&'static str> {
    match signal {
        "HUP" => Some("hup"),
        "USR1" => Some("usr1"),
        _ => None,
    }
}

/// What any other signal to the master means.
pub fn signal(ruby: &Ruby, name: &str) -> Result<Event, Error> {
    let stop = |graceful, signal| Ok(Event::Stop { graceful, signal });
    match name {
        "QUIT" => stop(true, "QUIT"),
        "TERM" => stop(true, "TERM"),
        "INT" => stop(false, "INT"),
        "USR2" => Ok(Event::Refork),
        "TTIN" => Ok(Event::AddWorker),
        "TTOU" => Ok(Event::RemoveWorker),
        "WINCH" => Ok(Event::RemoveWorkers),
        other => Err(errors::misuse(ruby, format!("SIG{other} means nothing"))),
    }
}

/// An action for Ruby.
pub fn answer(ruby: &Ruby, action: Action) -> Result<RArray, Error> {
    let array = ruby.ary_new();
    let name = |name| array.push(ruby.to_symbol(name));
    match action {
        Action::BootMold { seat, version } => {
            name("boot_mold")?;
            array.push(seat.generation)?;
            array.push(version)?;
        }
        Action::Restarted { version } => {
            name("restarted")?;
            array.push(version)?;
        }
        Action::RestartFailed { version, why } => {
            name("restart_failed")?;
            array.push(version)?;
            array.push(why)?;
        }
        Action::RolloutDone { generation } => {
            name("rollout_done")?;
            array.push(generation)?;
        }
        Action::HardTimeout {
            nr,
            generation,
            pid,
            requests,
        } => {
            name("hard_timeout")?;
            array.push(nr)?;
            array.push(generation)?;
            array.push(pid)?;
            array.push(requests)?;
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

/// What has happened how often, by name; and the seconds of garbage collection within requests, and between them.
pub fn counters(ruby: &Ruby, counters: Counters, gc_time: [u64; 2]) -> Result<RHash, Error> {
    let hash = ruby.hash_new();
    for (name, value) in [
        ("rollouts", counters.rollouts),
        ("failed_reforks", counters.failed_reforks),
        ("restarts", counters.restarts),
        ("failed_restarts", counters.failed_restarts),
        ("lost_workers", counters.lost_workers),
        ("lost_molds", counters.lost_molds),
        ("soft_timeouts", counters.soft_timeouts),
        ("hard_timeouts", counters.hard_timeouts),
        ("memory_retirements", counters.memory_retirements),
        ("sharing_reforks", counters.sharing_reforks),
    ] {
        hash.aset(ruby.to_symbol(name), value)?;
    }
    for (name, nanos) in ["gc_seconds_within", "gc_seconds_between"]
        .iter()
        .zip(gc_time)
    {
        let seconds = Duration::from_nanos(nanos).as_secs_f64();
        hash.aset(ruby.to_symbol(*name), seconds)?;
    }
    Ok(hash)
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
