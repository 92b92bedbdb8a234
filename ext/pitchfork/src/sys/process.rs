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

/// Has the kernel show this process to its own user again, PR_SET_DUMPABLE(2const): its files in /proc belong to root after a
/// change of the user, so that it could not even set its own oom_score_adj, and nobody could read its memory maps.
pub fn be_dumpable() {
    // SAFETY: prctl with this option only sets a flag of the process.
    let set = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) };
    debug_assert_eq!(set, 0, "1 is a valid value");
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

/// Sends a signal to a child, through its pidfd (pidfd_send_signal(2), Linux 5.1), which can't hit another process, or by
/// its pid where there is none. ESRCH: it is gone already.
pub fn signal(pid: u32, pidfd: Option<&OwnedFd>, signal: Signal) -> nix::Result<()> {
    let Some(pidfd) = pidfd else {
        let pid = i32::try_from(pid).map_err(|_| Errno::ESRCH)?;
        return signal::kill(Pid::from_raw(pid), signal);
    };
    // SAFETY: a null siginfo is allowed and means what kill(2) would send.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal as i32,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    Errno::result(sent).map(drop)
}

/// A child that a signal has stopped (true), or that goes on again (false), since the last call. A child that a debugger holds
/// is not reported here (ptrace(2)).
pub fn job_control() -> Option<(u32, bool)> {
    let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED | WaitPidFlag::WNOHANG;
    loop {
        let (pid, stopped) = match waitid(Id::All, flags) {
            Err(Errno::EINTR) => continue,
            Ok(WaitStatus::Stopped(pid, _)) => (pid, true),
            Ok(WaitStatus::Continued(pid)) => (pid, false),
            Err(_) | Ok(_) => return None,
        };
        return u32::try_from(pid.as_raw()).ok().map(|pid| (pid, stopped));
    }
}

/// Whether the kernel would let this process fork now: EAGAIN when there are too many processes (RLIMIT_NPROC, pids.max).
///
/// Ruby's own fork never says so: it sleeps a second and tries again, for ever. The process that is made here shares all
/// memory (clone(2), CLONE_VM), so that nothing is copied, and ends at once; CLONE_VFORK lets this one go on after that.
pub fn may_fork() -> nix::Result<()> {
    extern "C" fn end(_: *mut libc::c_void) -> libc::c_int {
        0
    }
    // 16 KiB, aligned as a stack has to be.
    let mut stack = std::mem::MaybeUninit::<[u128; 1024]>::uninit();
    // SAFETY: one past its end, where a stack that grows downwards begins.
    let top = unsafe { stack.as_mut_ptr().add(1) };
    // SAFETY: the stack outlives the child, for this process stands still until the child has ended; `end` touches nothing.
    // Without a signal in the flags no SIGCHLD is sent.
    let pid = unsafe {
        libc::clone(
            end,
            top.cast(),
            libc::CLONE_VM | libc::CLONE_VFORK,
            std::ptr::null_mut(),
        )
    };
    let pid = Errno::result(pid)?;
    // SAFETY: a null status is allowed. __WALL: it sends no SIGCHLD, so other waits do not see it.
    while unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::__WALL) } == -1
        && Errno::last() == Errno::EINTR
    {}
    Ok(())
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
