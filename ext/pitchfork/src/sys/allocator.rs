//! The allocator that the C library or LD_PRELOAD has given this process, before it is forked from.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{null, null_mut};

/// mallctl(3) of jemalloc: name, where to write the old value and its length, the new value and its length.
type Mallctl =
    unsafe extern "C" fn(*const c_char, *mut c_void, *mut usize, *mut c_void, usize) -> c_int;
/// malloc_trim(3) of glibc: how much to keep at the top.
type MallocTrim = unsafe extern "C" fn(usize) -> c_int;

/// Who serves malloc(3) here, and can be asked for memory back.
enum Allocator {
    Glibc(MallocTrim),
    Jemalloc(Mallctl),
}

/// Gives free memory back to the kernel, and leaves the allocator as little as possible to put in order later, in each of the
/// processes that are forked from this one. Answers the allocator's name; `None`: it is one that is not known here.
pub fn trim() -> Option<&'static str> {
    match Allocator::find()? {
        Allocator::Glibc(malloc_trim) => {
            // SAFETY: takes glibc's own locks; no argument can be wrong.
            unsafe { malloc_trim(0) };
            settle();
            Some("glibc")
        }
        Allocator::Jemalloc(mallctl) => {
            purge(mallctl);
            Some("jemalloc")
        }
    }
}

impl Allocator {
    /// A process may have functions of an allocator that does not serve it: glibc's malloc_trim is there under jemalloc, and
    /// a native library may bring its own jemalloc. What counts is who has `malloc`.
    fn find() -> Option<Allocator> {
        let (_, home) = symbol(c"malloc")?;
        let of_home = |name| {
            symbol(name)
                .filter(|(_, other)| *other == home)
                .map(|(at, _)| at)
        };
        if let Some(at) = of_home(c"mallctl") {
            // SAFETY: the function of this name, next to the malloc in use, has this type: mallctl(3).
            return Some(Allocator::Jemalloc(unsafe {
                std::mem::transmute::<*mut c_void, Mallctl>(at)
            }));
        }
        let at = of_home(c"malloc_trim")?;
        // SAFETY: the function of this name, next to the malloc in use, has this type: malloc_trim(3).
        Some(Allocator::Glibc(unsafe {
            std::mem::transmute::<*mut c_void, MallocTrim>(at)
        }))
    }
}

/// Has glibc put its free chunks in order now.
///
/// It collects freed chunks in one list, and a later malloc(3) sorts them into bins: it writes to each of them, so every
/// worker would copy every page that has a free chunk in it. A call sorts 10,000 at most (MAX_ITERS, glibc 2.36), hence the
/// rounds; each takes well under a microsecond when nothing is left to sort. A size is large enough when no small bin serves it,
/// and must stay below 128 KiB, where malloc asks the kernel instead. They differ because an exact fit ends the sorting.
fn settle() {
    const ROUNDS: usize = 1_000;
    for round in 0..ROUNDS {
        // SAFETY: free gets what malloc gave, or null. Unseen by the optimizer, which removes a malloc that is followed by
        // its free.
        unsafe { libc::free(std::hint::black_box(libc::malloc(64 * 1024 + 16 * round))) };
    }
}

/// Has jemalloc give back what this thread keeps at hand, and then every free page of every arena. A failure is one of memory
/// that stays where it was.
fn purge(mallctl: Mallctl) {
    // MALLCTL_ARENAS_ALL, jemalloc 5.
    for name in [c"thread.tcache.flush", c"arena.4096.purge"] {
        // SAFETY: both are commands, without an old or new value: jemalloc(3), MALLCTL NAMESPACE.
        unsafe { mallctl(name.as_ptr(), null_mut(), null_mut(), null_mut(), 0) };
    }
}

/// Where the process has a function, and the start of the library that it is from.
fn symbol(name: &CStr) -> Option<(*mut c_void, *mut c_void)> {
    // SAFETY: a terminated name, looked up in what is loaded.
    let at = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    let mut info = libc::Dl_info {
        dli_fname: null(),
        dli_fbase: null_mut(),
        dli_sname: null(),
        dli_saddr: null_mut(),
    };
    // SAFETY: dladdr(3) takes any address, null included, and writes to `info` only.
    let found = unsafe { libc::dladdr(at, &raw mut info) } != 0;
    (found && !at.is_null()).then_some((at, info.dli_fbase))
}
