//! What the kernel writes into the ring of a perf event: perf_event_open(2), "MMAP layout".

/// The fields that each sample is to have, `sample_type`. The kernel writes them in the order of [`Fault`]. Not the period:
/// asked for that, the kernel makes a sample of every single event of a software counter, whatever the period is.
pub const FIELDS: u64 = PERF_SAMPLE_IP | PERF_SAMPLE_ADDR;

const PERF_SAMPLE_IP: u64 = 1 << 0;
const PERF_SAMPLE_ADDR: u64 = 1 << 3;
const PERF_RECORD_SAMPLE: u32 = 9;
const WORD: u64 = 8;

/// One sampled page fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Address of the instruction.
    pub ip: u64,
    /// What it read or wrote.
    pub address: u64,
}

/// Hands the faults between two positions to `take`, the oldest first. `word` answers the 8 bytes at a position, which
/// counts from the ring's first byte ever written and is a multiple of 8. Records of other kinds are passed over.
///
/// Runs in a signal handler: it allocates nothing, and ends whatever the ring holds.
pub fn faults(tail: u64, head: u64, word: impl Fn(u64) -> u64, mut take: impl FnMut(Fault)) {
    let mut at = tail;
    while at < head {
        let (kind, bytes) = header(word(at));
        if bytes < WORD {
            return; // no record is shorter than its header: this is none
        }
        if kind == PERF_RECORD_SAMPLE && bytes >= 3 * WORD {
            take(Fault {
                ip: word(at + WORD),
                address: word(at + 2 * WORD),
            });
        }
        at += bytes;
    }
}

/// `struct perf_event_header`: u32 type, u16 misc, u16 size.
fn header(word: u64) -> (u32, u64) {
    let bytes = word.to_ne_bytes();
    let kind = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    (kind, u64::from(u16::from_ne_bytes([bytes[6], bytes[7]])))
}
