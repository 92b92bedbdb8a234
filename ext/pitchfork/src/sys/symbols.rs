//! What native code is called.

use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;

unsafe extern "C" {
    /// Of the unwinder that Rust brings along, libgcc or LLVM's. Null: no function is known there.
    fn _Unwind_FindEnclosingFunction(pc: *mut c_void) -> *mut c_void;
}

/// The name of the function at an address. A library that was stripped exports only some of them: of the others this knows
/// where they begin, from the tables for unwinding, and answers that as `library+0x1234`, which `addr2line` understands.
/// Code that belongs to no file is what a JIT has made.
pub fn function(ip: u64) -> String {
    let code = ip as usize as *mut c_void;
    // SAFETY: any address may be asked for.
    let start = unsafe { _Unwind_FindEnclosingFunction(code) };
    let start = if start.is_null() { code } else { start };
    let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: any address may be asked for, and a Dl_info may be all zeros.
    let info = unsafe {
        if libc::dladdr(start, info.as_mut_ptr()) == 0 {
            return "(compiled Ruby code)".to_owned();
        }
        info.assume_init()
    };
    if !info.dli_sname.is_null() {
        return text(info.dli_sname);
    }
    let offset = (start as usize).wrapping_sub(info.dli_fbase as usize);
    let path = text(info.dli_fname);
    let file = path.rsplit('/').next().unwrap_or(&path);
    format!("{file}+{offset:#x}")
}

fn text(name: *const libc::c_char) -> String {
    // SAFETY: dladdr answers strings that end with NUL and live as long as the library is loaded.
    unsafe { CStr::from_ptr(name) }
        .to_string_lossy()
        .into_owned()
}
