//! What must be in the end.

use pitchfork_core::supervisor::{Event, Refork, Role, State};

use crate::books::{Check, ensure};
use crate::plan::Life;
use crate::secs;
use crate::world::World;

/// Nothing fails any more and nobody asks for anything: all is soon as it was wished. Then the server is stopped, and ends
/// in time.
pub fn end(world: &mut World, life: Life) {
    if life != Life::Short {
        find_peace(world);
    }
    if world.exited.is_some() {
        return; // before it had booted the app
    }
    let graceful = world.kernel.dice.percent(50);
    let limit = world.kernel.settings.retire_timeout + secs(15);
    world.tell(Event::Stop {
        graceful,
        signal: "TERM",
    });
    world.run_for(limit);
    match (world.exited, life) {
        (Some(0), _) | (Some(1), Life::Short) => {}
        (status, _) => world.fail(&format!("exit {status:?}, {limit:?} after it was stopped")),
    }
}

fn find_peace(world: &mut World) {
    world.end_troubles();
    world.tell(Event::Tick);
    let limit = world.kernel.now + secs(7_200);
    while !is_at_rest(world) {
        if !world.advance(limit) {
            let fault = check_peace(world).err();
            world.fail(&fault.unwrap_or("it does not come to rest".to_string()));
        }
    }
}

/// Whether all is as it was wished, and nothing more would happen, but that workers are replaced after their time.
fn is_at_rest(world: &World) -> bool {
    let state = &world.supervisor;
    let mortal = state.processes().iter().any(|p| p.expires.is_some());
    world.kernel.agenda.next().is_none()
        && (mortal || state.deadline(world.clock()).is_none())
        && check_peace(world).is_ok()
}

fn check_peace(world: &World) -> Check {
    let state = &world.supervisor;
    let (mut numbers, mut services, mut molds) = (Vec::new(), Vec::new(), Vec::new());
    for process in state.processes() {
        match process.role {
            Role::Mold => molds.push(process),
            Role::Worker => numbers.push(process.seat.nr),
            Role::Service => services.push(process.name.clone()),
        }
        let ready = process.state == State::Ready;
        ensure(ready, &format!("{process} is neither ready nor gone"))?;
        let mut living = world.kernel.living();
        let lives =
            living.any(|(_, life)| Some(life.pid) == process.pid && life.seat == process.seat);
        ensure(lives, &format!("{process} is a ghost"))?;
        let current = process.version == state.version();
        ensure(current, &format!("{process} is of another version"))?;
    }
    numbers.sort_unstable();
    let wished = (0..state.wished_workers()).collect::<Vec<_>>();
    ensure(numbers == wished, &format!("these workers: {numbers:?}"))?;
    services.sort();
    let mut wished = world.kernel.services[&state.version()].clone();
    wished.sort();
    let wished: Vec<_> = wished.into_iter().map(Some).collect();
    ensure(services == wished, &format!("these services: {services:?}"))?;
    let alone = world.kernel.living().count() == state.processes().len();
    ensure(
        molds.len() == 1 && alone,
        "not one mold, or processes that nobody knows",
    )?;
    let answered = !world.books.owes_an_answer();
    ensure(
        state.refork() == Refork::Idle && answered,
        "a refork or a restart without an end",
    )?;
    let (generation, promoted) = (molds[0].seat.generation, molds[0].parent.is_some());
    let renewed = state
        .processes()
        .iter()
        .all(|p| p.generation() == generation);
    let refused = state.processes().iter().any(|p| p.refused);
    ensure(
        renewed || refused || !promoted,
        "a rollout that was left half done",
    )
}
