//! The socketpair between the master and one child: datagrams of fixed size, in order, with the sender's pid vouched for by
//! the kernel, and at most one descriptor a message (unix(7)).

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType,
    UnixCredentials, recvmsg, sendmsg, setsockopt, socketpair, sockopt,
};
use pitchfork_core::wire::SIZE;

/// One end of the socketpair.
pub struct Channel {
    fd: OwnedFd,
}

/// What came over a channel.
pub enum Received {
    /// A message, who sent it (the master's end only), and the descriptor that came along.
    Message {
        bytes: [u8; SIZE],
        sender: Option<u32>,
        fd: Option<OwnedFd>,
    },
    /// Nothing now.
    Nothing,
    /// Nobody holds the other end any more.
    End,
}

impl Channel {
    /// The master's end and the child's. Both are close-on-exec.
    pub fn pair() -> nix::Result<(Channel, OwnedFd)> {
        let (ours, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        setsockopt(&ours, sockopt::PassCred, &true)?;
        Ok((Channel { fd: ours }, theirs))
    }

    /// The end that was inherited or received.
    pub fn new(fd: OwnedFd) -> Channel {
        Channel { fd }
    }

    /// Sends without blocking: a child that is stopped must not stop the master. EPIPE and ECONNRESET: it is gone.
    pub fn send(&self, message: &[u8; SIZE], fd: Option<BorrowedFd<'_>>) -> nix::Result<()> {
        let raw: Option<[RawFd; 1]> = fd.map(|fd| [fd.as_raw_fd()]);
        let rights = raw.as_ref().map(|fds| [ControlMessage::ScmRights(fds)]);
        sendmsg::<()>(
            self.fd.as_raw_fd(),
            &[IoSlice::new(message)],
            rights.as_ref().map_or(&[], |rights| rights),
            MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL,
            None,
        )
        .map(drop)
    }

    /// Receives without blocking.
    pub fn receive(&self) -> nix::Result<Received> {
        let mut bytes = [0; SIZE];
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let mut space = cmsg_space!(UnixCredentials, [RawFd; 1]);
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let received = recvmsg::<()>(self.fd.as_raw_fd(), &mut slices, Some(&mut space), flags);
        let message = match received {
            Ok(message) => message,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(Received::Nothing),
            Err(Errno::ECONNRESET) => return Ok(Received::End),
            Err(errno) => return Err(errno),
        };
        let (mut sender, mut fd) = (None, None);
        for control in message.cmsgs()? {
            match control {
                ControlMessageOwned::ScmCredentials(who) => sender = u32::try_from(who.pid()).ok(),
                ControlMessageOwned::ScmRights(fds) => {
                    for raw in fds {
                        // SAFETY: the kernel has just made this descriptor for us; nobody else knows it.
                        fd = Some(unsafe { OwnedFd::from_raw_fd(raw) });
                    }
                }
                _ => {}
            }
        }
        // Our messages are never empty, so no bytes are the end of the stream.
        match message.bytes {
            0 => Ok(Received::End),
            SIZE => Ok(Received::Message { bytes, sender, fd }),
            _ => Ok(Received::Nothing),
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
