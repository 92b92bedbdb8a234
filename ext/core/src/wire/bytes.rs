//! Little-endian fields in a buffer of fixed size.

use super::{Malformed, SIZE, Seat, Ticket};

#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub fn seat(&mut self, seat: Seat) {
        self.u64(seat.ticket.0);
        self.u32(seat.nr);
        self.u32(seat.generation);
        self.u32(seat.row);
        self.u8(u8::from(seat.sibling));
        self.u8(u8::from(seat.service));
    }

    /// The fields, padded with zeros. Every message fits: the round-trip property covers each kind.
    pub fn finish(self) -> [u8; SIZE] {
        let mut out = [0; SIZE];
        out[..self.bytes.len()].copy_from_slice(&self.bytes);
        out
    }
}

pub(super) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub fn new(bytes: &'b [u8]) -> Result<Self, Malformed> {
        if bytes.len() == SIZE {
            Ok(Reader { rest: bytes })
        } else {
            Err(Malformed)
        }
    }

    /// The next `N` bytes. No message asks for more than [`SIZE`] of them.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .expect("a message is shorter than SIZE");
        self.rest = rest;
        *taken
    }

    pub fn u8(&mut self) -> u8 {
        u8::from_le_bytes(self.take())
    }

    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    pub fn bool(&mut self) -> Result<bool, Malformed> {
        match self.u8() {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub fn seat(&mut self) -> Result<Seat, Malformed> {
        Ok(Seat {
            ticket: Ticket(self.u64()),
            nr: self.u32(),
            generation: self.u32(),
            row: self.u32(),
            sibling: self.bool()?,
            service: self.bool()?,
        })
    }
}
