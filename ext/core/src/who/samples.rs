//! Room for samples that a signal handler fills.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, AtomicUsize};

use super::Fault;

/// How many frames of a stack are kept, the innermost.
pub const DEPTH: usize = 14;

/// Different frames in all samples together. A power of two.
const FRAMES: usize = 2048;
/// So many places are tried for a frame. Then it is left out: a handler must come to an end.
const TRIES: usize = 16;

const GC: u16 = u16::MAX;
const UNKNOWN: u16 = u16::MAX - 1;

/// What the process was at when the fault came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code<F> {
    /// Ruby code; the innermost frame comes first.
    Ruby(F),
    /// Garbage collection, in which frames cannot be asked for.
    Gc,
    /// Not to be known: without the GVL, or the signal came too late.
    Unknown,
}

/// One sample as it is read: frames are indices into [`Samples::frames`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What the kernel says.
    pub fault: Fault,
    /// How many faults this one stands for.
    pub weight: u32,
    /// What it was at.
    pub code: Code<Vec<u16>>,
}

/// A fixed number of samples, and the distinct frames of all of them. All memory is there, and has been written to, from the
/// beginning: a handler that is called for page faults must not cause any.
pub struct Samples {
    taken: AtomicUsize,
    slots: Box<[Slot]>,
    /// A hash table: 0 is a free place.
    frames: Box<[AtomicU64]>,
}

struct Slot {
    ip: AtomicU64,
    address: AtomicU64,
    weight: AtomicU32,
    depth: AtomicU16,
    frames: [AtomicU16; DEPTH],
}

impl Samples {
    /// Room for so many.
    pub fn new(capacity: usize) -> Self {
        let slot = || Slot {
            ip: AtomicU64::new(1),
            address: AtomicU64::new(0),
            weight: AtomicU32::new(0),
            depth: AtomicU16::new(UNKNOWN),
            frames: [const { AtomicU16::new(0) }; DEPTH],
        };
        // Written twice, for memory that is asked for as zeros may not be there until it is written to.
        let frames: Box<[AtomicU64]> = (0..FRAMES).map(|_| AtomicU64::new(1)).collect();
        frames.iter().for_each(|frame| frame.store(0, Relaxed));
        Samples {
            taken: AtomicUsize::new(0),
            slots: (0..capacity).map(|_| slot()).collect(),
            frames,
        }
    }

    /// Keeps a sample. `false`: there is no room. For one thread, and its signal handler: allocates nothing, takes no lock.
    pub fn push(&self, fault: Fault, weight: u32, code: &Code<&[u64]>) -> bool {
        let taken = self.taken.load(Relaxed);
        let Some(slot) = self.slots.get(taken) else {
            return false;
        };
        slot.ip.store(fault.ip, Relaxed);
        slot.address.store(fault.address, Relaxed);
        slot.weight.store(weight, Relaxed);
        let depth = match code {
            Code::Gc => GC,
            Code::Unknown => UNKNOWN,
            Code::Ruby(frames) => {
                let known = frames.iter().filter_map(|frame| self.index(*frame));
                slot.frames
                    .iter()
                    .zip(known)
                    .fold(0, |depth, (place, index)| {
                        place.store(index, Relaxed);
                        depth + 1
                    })
            }
        };
        slot.depth.store(depth, Relaxed);
        self.taken.store(taken + 1, Release);
        true
    }

    /// Where a frame stands in the table, which it enters if it is new.
    fn index(&self, frame: u64) -> Option<u16> {
        let start = (frame.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
        for at in (start..start + TRIES).map(|at| at % FRAMES) {
            match self.frames[at].load(Relaxed) {
                0 => self.frames[at].store(frame, Relaxed),
                there if there == frame => {}
                _ => continue,
            }
            return u16::try_from(at).ok();
        }
        None
    }

    /// The frames that samples refer to, with their indices.
    pub fn frames(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        let frames = self.frames.iter().map(|frame| frame.load(Relaxed));
        (0..).zip(frames).filter(|(_, frame)| *frame != 0)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.taken.load(Acquire)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room for more.
    pub fn is_full(&self) -> bool {
        self.len() == self.slots.len()
    }

    /// All samples, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Sample> + '_ {
        self.slots[..self.len()].iter().map(Slot::sample)
    }
}

impl Slot {
    fn sample(&self) -> Sample {
        let code = match self.depth.load(Relaxed) {
            GC => Code::Gc,
            UNKNOWN => Code::Unknown,
            depth => {
                let frames = self.frames.iter().take(depth.into());
                Code::Ruby(frames.map(|frame| frame.load(Relaxed)).collect())
            }
        };
        let fault = Fault {
            ip: self.ip.load(Relaxed),
            address: self.address.load(Relaxed),
        };
        let weight = self.weight.load(Relaxed);
        Sample {
            fault,
            weight,
            code,
        }
    }
}
