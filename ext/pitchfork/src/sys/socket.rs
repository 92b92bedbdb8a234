//! Sockets of clients: accept, receive, send. Nothing here blocks; who must wait polls.

use std::fmt;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, Shutdown, recv, sendmsg, setsockopt, shutdown, sockopt};

/// Where a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Ip(IpAddr),
    Unix,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix => f.write_str("unix:"),
        }
    }
}

/// Takes a connection from the listener's queue; `None` when there is none, or when it was gone before we came (accept(2)
/// says which errors to treat so). Close-on-exec and non-blocking.
pub fn accept(listener: RawFd) -> nix::Result<Option<(OwnedFd, Peer)>> {
    let mut address = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut length = socklen::<libc::sockaddr_storage>();
    // SAFETY: address and length describe a buffer large enough for every family.
    let fd = unsafe {
        libc::accept4(
            listener,
            address.as_mut_ptr().cast(),
            &raw mut length,
            libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
        )
    };
    match Errno::result(fd) {
        Ok(fd) => {
            // SAFETY: zeroed before, partly overwritten by the kernel: valid in any case.
            let address = unsafe { address.assume_init() };
            // SAFETY: the kernel has just made this descriptor for us.
            Ok(Some((unsafe { OwnedFd::from_raw_fd(fd) }, peer(&address))))
        }
        Err(
            Errno::EAGAIN
            | Errno::EINTR
            | Errno::ECONNABORTED
            | Errno::EPROTO
            | Errno::ENETDOWN
            | Errno::ENOPROTOOPT
            | Errno::EHOSTDOWN
            | Errno::ENONET
            | Errno::EHOSTUNREACH
            | Errno::EOPNOTSUPP
            | Errno::ENETUNREACH,
        ) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn socklen<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).expect("socket addresses are small")
}

fn peer(address: &libc::sockaddr_storage) -> Peer {
    let address = std::ptr::from_ref(address);
    // SAFETY: the family says which structure the kernel has written into the storage, which is large enough for each.
    unsafe {
        match i32::from((*address).ss_family) {
            libc::AF_INET => {
                let v4 = &*address.cast::<libc::sockaddr_in>();
                Peer::Ip(Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr)).into())
            }
            libc::AF_INET6 => {
                let v6 = &*address.cast::<libc::sockaddr_in6>();
                // A dual-stack listener sees IPv4 clients as ::ffff:1.2.3.4; show what they are.
                Peer::Ip(Ipv6Addr::from(v6.sin6_addr.s6_addr).to_canonical())
            }
            _ => Peer::Unix,
        }
    }
}

/// Receives what is there: `None` when nothing is, 0 at the end of the stream.
pub fn receive(fd: BorrowedFd<'_>, into: &mut [u8]) -> nix::Result<Option<usize>> {
    match recv(fd.as_raw_fd(), into, MsgFlags::MSG_DONTWAIT) {
        Ok(count) => Ok(Some(count)),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Sends what fits into the socket's buffer: `None` when nothing does.
pub fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<Option<usize>> {
    taken(nix::sys::socket::send(fd.as_raw_fd(), bytes, SEND))
}

/// As [`send`], for bytes behind which the end follows at once: TCP waits for it, and sends both in one packet (MSG_MORE,
/// send(2)). If it did not follow, they would go out after 200 ms.
pub fn send_last(fd: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<Option<usize>> {
    let flags = SEND | MsgFlags::from_bits_retain(libc::MSG_MORE);
    taken(nix::sys::socket::send(fd.as_raw_fd(), bytes, flags))
}

/// As [`send`], from several places.
pub fn send_gathered(fd: BorrowedFd<'_>, slices: &[IoSlice<'_>]) -> nix::Result<Option<usize>> {
    taken(sendmsg::<()>(fd.as_raw_fd(), slices, &[], SEND, None))
}

const SEND: MsgFlags = MsgFlags::MSG_DONTWAIT.union(MsgFlags::MSG_NOSIGNAL);

fn taken(sent: nix::Result<usize>) -> nix::Result<Option<usize>> {
    match sent {
        Ok(count) => Ok(Some(count)),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Says that nothing more will be sent. What was sent is still delivered.
pub fn end(fd: BorrowedFd<'_>) -> nix::Result<()> {
    shutdown(fd.as_raw_fd(), Shutdown::Write)
}

/// Whether bytes are waiting to be received.
pub fn has_unread(fd: BorrowedFd<'_>) -> bool {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes an int.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut count) };
    result == 0 && count > 0
}

/// Bytes that were sent and that the client has not taken, in the kernel's own measure (SIOCOUTQ, tcp(7), unix(7)).
pub fn unsent(fd: BorrowedFd<'_>) -> i32 {
    let mut count: libc::c_int = 0;
    // SAFETY: SIOCOUTQ, which is called TIOCOUTQ elsewhere, writes an int.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    if result == 0 { count } else { 0 }
}

/// Whether the client has closed its side, or the connection is broken. Not that it is gone for certain: some clients
/// close their sending side as soon as they have nothing more to say.
pub fn has_hung_up(fd: BorrowedFd<'_>) -> bool {
    // nix does not know POLLRDHUP, and then says nothing of the other bits.
    let mut asked = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLRDHUP,
        revents: 0,
    };
    // SAFETY: one structure, which outlives the call.
    let answered = unsafe { libc::poll(&raw mut asked, 1, 0) };
    answered == 1 && asked.revents & (libc::POLLRDHUP | libc::POLLHUP | libc::POLLERR) != 0
}

/// Has the kernel answer whatever the client still sends with a reset, which is what tells it that the response is broken
/// where its end has no other mark. The descriptor is to be closed next.
pub fn reset_on_close(fd: BorrowedFd<'_>) {
    let at_once = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(&fd, sockopt::Linger, &at_once).unwrap_or_default();
}

/// Ends both directions: whoever waits on the socket wakes up. One that is not connected any more needs nothing.
pub fn shut_down(fd: BorrowedFd<'_>) {
    shutdown(fd.as_raw_fd(), Shutdown::Both).unwrap_or_default();
}

/// Sends up to `length` bytes of a file from its current position, sendfile(2): `None` when the socket is full.
pub fn send_file(socket: BorrowedFd<'_>, file: RawFd, length: u64) -> nix::Result<Option<u64>> {
    const MOST: u64 = 0x7fff_f000; // what one call transfers at the most
    let count = usize::try_from(length.min(MOST)).unwrap_or(usize::MAX);
    // SAFETY: no pointers but a null offset, which means the file's own position.
    let sent = unsafe { libc::sendfile(socket.as_raw_fd(), file, std::ptr::null_mut(), count) };
    match Errno::result(sent) {
        Ok(sent) => Ok(u64::try_from(sent).ok()),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno),
    }
}
