//! Messages between the master and its children.
//!
//! Each travels as one datagram of [`SIZE`] bytes over a `SOCK_SEQPACKET` socketpair, so a message is whole or absent.
//! Who speaks is never read from the bytes: the kernel says so (`SCM_CREDENTIALS`, unix(7)). Both ends always run the
//! same build of this library (the boot mold is exec'd by its own master), so the layout carries no version.

mod bytes;

use bytes::{Reader, Writer};

/// The size of every message, in bytes.
pub const SIZE: usize = 40;

/// The supervisor's name for a process it has asked for: known before the process has a pid, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What the master tells a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// To a worker that has said it is ready: the listeners are open, begin to accept.
    Serve,
    /// Finish what you are doing and exit.
    Retire,
    /// To a mold: fork a worker. The worker's end of its own channel comes with the message (`SCM_RIGHTS`).
    Spawn(Seat),
    /// To a worker: become a mold, or fork one. The mold's end of its channel comes with the message.
    Promote {
        /// Where the mold will sit; its `nr` is meaningless.
        seat: Seat,
        /// Whether the worker itself may leave rotation. If not, it forks the mold.
        in_place: bool,
    },
}

/// The place a new process takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The supervisor's name for the process.
    pub ticket: Ticket,
    /// The worker's number.
    pub nr: u32,
    /// The process's generation.
    pub generation: u32,
    /// The process's row in the scoreboard.
    pub row: u32,
    /// Whether to fork twice, so that the process is adopted by the master.
    pub sibling: bool,
    /// Whether it is a service worker; `nr` is its index among them, then.
    pub service: bool,
}

/// What a child tells the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// I exist. The kernel adds my pid.
    Hello,
    /// I can serve (a worker), or fork (a mold).
    Ready,
    /// I have completed as many requests as the scoreboard asked me to tell of.
    Milestone {
        /// Requests completed by this process.
        requests: u64,
    },
    /// My request's deadline in the scoreboard has become an earlier one.
    Deadline,
    /// I can't be promoted.
    Refused {
        /// The mold that will not come.
        ticket: Ticket,
        /// Why.
        reason: Refusal,
    },
    /// I could not fork the process with this ticket.
    ForkFailed {
        /// The process that will not come.
        ticket: Ticket,
        /// errno of fork(2), 0 when a Ruby exception stopped it.
        errno: i32,
    },
}

/// Why a worker can't be promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The app declared that this process is no longer safe to fork.
    NotForkSafe,
    /// `promotion :in_place` is configured and the process has other threads.
    Threads,
    /// A hook or the fork itself failed; the worker's log has the details.
    Failed,
}

impl Refusal {
    const ALL: [Refusal; 3] = [Refusal::NotForkSafe, Refusal::Threads, Refusal::Failed];
}

/// Bytes that are no message: a bug, or a foreign process on our socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Order {
    /// The message's bytes.
    pub fn encode(self) -> [u8; SIZE] {
        let mut out = Writer::default();
        match self {
            Order::Serve => out.u8(1),
            Order::Retire => out.u8(2),
            Order::Spawn(seat) => {
                out.u8(3);
                out.seat(seat);
            }
            Order::Promote { seat, in_place } => {
                out.u8(4);
                out.seat(seat);
                out.u8(u8::from(in_place));
            }
        }
        out.finish()
    }

    /// Reads a message back.
    pub fn decode(bytes: &[u8]) -> Result<Order, Malformed> {
        let mut input = Reader::new(bytes)?;
        Ok(match input.u8() {
            1 => Order::Serve,
            2 => Order::Retire,
            3 => Order::Spawn(input.seat()?),
            4 => Order::Promote {
                seat: input.seat()?,
                in_place: input.bool()?,
            },
            _ => return Err(Malformed),
        })
    }
}

impl Report {
    /// The message's bytes.
    pub fn encode(self) -> [u8; SIZE] {
        let mut out = Writer::default();
        match self {
            Report::Hello => out.u8(1),
            Report::Ready => out.u8(2),
            Report::Milestone { requests } => {
                out.u8(3);
                out.u64(requests);
            }
            Report::Refused { ticket, reason } => {
                out.u8(4);
                out.u64(ticket.0);
                out.u8(reason as u8);
            }
            Report::ForkFailed { ticket, errno } => {
                out.u8(5);
                out.u64(ticket.0);
                out.u32(errno as u32);
            }
            Report::Deadline => out.u8(6),
        }
        out.finish()
    }

    /// Reads a message back.
    pub fn decode(bytes: &[u8]) -> Result<Report, Malformed> {
        let mut input = Reader::new(bytes)?;
        Ok(match input.u8() {
            1 => Report::Hello,
            2 => Report::Ready,
            3 => Report::Milestone {
                requests: input.u64(),
            },
            4 => Report::Refused {
                ticket: Ticket(input.u64()),
                reason: *Refusal::ALL.get(usize::from(input.u8())).ok_or(Malformed)?,
            },
            5 => Report::ForkFailed {
                ticket: Ticket(input.u64()),
                errno: input.u32() as i32,
            },
            6 => Report::Deadline,
            _ => return Err(Malformed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seat() -> impl Strategy<Value = Seat> {
        (
            any::<u64>(),
            any::<u32>(),
            any::<u32>(),
            any::<u32>(),
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(|(ticket, nr, generation, row, sibling, service)| Seat {
                ticket: Ticket(ticket),
                nr,
                generation,
                row,
                sibling,
                service,
            })
    }

    fn order() -> impl Strategy<Value = Order> {
        prop_oneof![
            Just(Order::Serve),
            Just(Order::Retire),
            seat().prop_map(Order::Spawn),
            (seat(), any::<bool>()).prop_map(|(seat, in_place)| Order::Promote { seat, in_place }),
        ]
    }

    fn report() -> impl Strategy<Value = Report> {
        prop_oneof![
            Just(Report::Hello),
            Just(Report::Ready),
            any::<u64>().prop_map(|requests| Report::Milestone { requests }),
            Just(Report::Deadline),
            (any::<u64>(), prop::sample::select(&Refusal::ALL[..])).prop_map(|(ticket, reason)| {
                Report::Refused {
                    ticket: Ticket(ticket),
                    reason,
                }
            }),
            (any::<u64>(), any::<i32>()).prop_map(|(ticket, errno)| Report::ForkFailed {
                ticket: Ticket(ticket),
                errno,
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(order in order(), report in report()) {
            prop_assert_eq!(Order::decode(&order.encode()), Ok(order));
            prop_assert_eq!(Report::decode(&report.encode()), Ok(report));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2 * SIZE)) {
            if bytes.len() != SIZE {
                prop_assert_eq!(Order::decode(&bytes), Err(Malformed));
                prop_assert_eq!(Report::decode(&bytes), Err(Malformed));
            } else {
                // Whatever it is, it is an answer.
                let _ = (Order::decode(&bytes), Report::decode(&bytes));
            }
        }
    }
}
