//! Interned strings: the keys of env and the values that always are the same.

use std::ffi::{c_char, c_long};

use magnus::rb_sys::{FromRawValue, protect};
use magnus::{Error, RString, Ruby};

/// The interned (frozen, deduplicated) UTF-8 string with these bytes. A Hash does not copy it when it becomes a key.
pub fn intern(_ruby: &Ruby, bytes: &[u8]) -> Result<RString, Error> {
    let raw = protect(|| intern_unprotected(bytes))?;
    // SAFETY: what the function returns is a String.
    Ok(RString::from_value(unsafe { magnus::Value::from_raw(raw) }).expect("a String"))
}

/// As [`intern`], for the inside of [`protect`].
pub fn intern_unprotected(bytes: &[u8]) -> rb_sys::VALUE {
    let length = c_long::try_from(bytes.len()).unwrap_or(0); // slices always fit
    // SAFETY: pointer and length are those of a slice; the call copies. Nothing here has a destructor.
    unsafe { rb_sys::rb_enc_interned_str(start(bytes), length, rb_sys::rb_utf8_encoding()) }
}

/// The bytes of a String.
///
/// # Safety
///
/// For as long as they are used, somebody has to keep the String alive, and nobody may change it.
pub unsafe fn bytes<'a>(string: RString) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe {
        let bytes = string.as_slice();
        std::slice::from_raw_parts(bytes.as_ptr(), bytes.len())
    }
}

/// Where the bytes are. Ruby 3.1 reads a word at the address of an empty string, and that of an empty slice may be anything.
pub fn start(bytes: &[u8]) -> *const c_char {
    if bytes.is_empty() {
        c"".as_ptr()
    } else {
        bytes.as_ptr().cast()
    }
}

/// As [`intern`], and never collected: for constants.
pub fn constant(ruby: &Ruby, text: &str) -> RString {
    let string = intern(ruby, text.as_bytes()).expect("no memory for a constant string");
    ruby.gc_register_mark_object(string);
    string
}
