//! Children: adopting, signalling and reaping them.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{self, Signal};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use pitchfork_core::supervisor::ExitStatus;

/// Makes orphaned descendants children of this process, PR_SET_CHILD_SUBREAPER(2const), Linux 3.4. As pid 1 of its namespace
/// it adopts them anyway. Answers whether orphans will come here.
pub fn adopt_orphans() -> bool {
    // SAFETY: prctl with this option only sets a flag of the process.
    let refused = unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) } != 0;
    !refused || std::process::id() == 1
}

/// Has the kernel kill this process as soon as its parent dies, PR_SET_PDEATHSIG(2const), or no longer. Forked children
/// do not inherit it. The parent may have died before: that has to be asked afterwards.
pub fn die_with_parent(wanted: bool) {
    let signal = if wanted { libc::SIGKILL } else { 0 };
    // SAFETY: prctl with this option only sets a number of the process.
    let set = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal, 0, 0, 0) };
    debug_assert_eq!(set, 0, "any signal number is valid");
}

/// A descriptor that stays with this process whatever becomes of its pid, pidfd_open(2), Linux 5.3.
pub fn pidfd(pid: u32) -> nix::Result<OwnedFd> {
    // SAFETY: a system call without pointers; what it answers is a new descriptor or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = Errno::result(fd)?;
    let fd = i32::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us. It is close-on-exec by itself.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Waits until a process has ended, and its children have got their new parent: the kernel sees to that first
/// (exit_notify in kernel/exit.c). Not for ever, for who is nobody's child here may be reaped and its pid used again.
pub fn await_end(pid: u32) {
    const PATIENCE_MS: u16 = 1_000;
    // ESRCH: it has been reaped.
    if let Ok(fd) = pidfd(pid) {
        let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        while poll(&mut fds, PATIENCE_MS) == Err(Errno::EINTR) {}
    }
}

/// Kills a child with SIGKILL, through its pidfd (pidfd_send_signal(2), Linux 5.1), which can't hit another process, or by its
/// pid where there is none. ESRCH: it is gone already.
pub fn kill(pid: u32, pidfd: Option<&OwnedFd>) -> nix::Result<()> {
    let Some(pidfd) = pidfd else {
        let pid = i32::try_from(pid).map_err(|_| Errno::ESRCH)?;
        return signal::kill(Pid::from_raw(pid), Signal::SIGKILL);
    };
    // SAFETY: a null siginfo is allowed and means what kill(2) would send.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            libc::SIGKILL,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    Errno::result(sent).map(drop)
}

/// A child that has ended and is not yet reaped. Until [`reap`] its pid can't be used again.
pub fn peek_zombie() -> Option<u32> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    loop {
        match waitid(Id::All, flags) {
            Err(Errno::EINTR) => {}
            Err(_) | Ok(WaitStatus::StillAlive) => return None,
            Ok(status) => {
                return status
                    .pid()
                    .and_then(|pid| u32::try_from(pid.as_raw()).ok());
            }
        }
    }
}

/// Waits for a child to end and reaps it.
pub fn reap(pid: u32) -> nix::Result<ExitStatus> {
    let pid = Pid::from_raw(i32::try_from(pid).map_err(|_| Errno::ECHILD)?);
    loop {
        match waitid(Id::Pid(pid), WaitPidFlag::WEXITED) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
            Ok(WaitStatus::Exited(_, status)) => return Ok(ExitStatus::Exited(status)),
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                return Ok(ExitStatus::Signaled(signal as i32));
            }
            Ok(_) => return Ok(ExitStatus::Unknown),
        }
    }
}
