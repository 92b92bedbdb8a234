//! `Pitchfork::Memory`: what processes have for themselves and share.

use magnus::{Error, IntoValue, Module, Object, RArray, RHash, RModule, RString, Ruby, function};
use pitchfork_core::memory::{Account, Kind, Notes, Rollup};

use crate::ruby::gvl::without_gvl;
use crate::ruby::{errors, notes};
use crate::sys::memory;

fn rollup(ruby: &Ruby, pid: u32) -> Result<RHash, Error> {
    let sums = read(ruby, pid, || memory::rollup(pid))?;
    rollup_hash(ruby, &sums)
}

fn account(ruby: &Ruby, pid: u32, text: Option<RString>) -> Result<RHash, Error> {
    let notes = text.map(|text| notes::read(ruby, text)).transpose()?;
    let account = read(ruby, pid, || memory::account(pid, notes.as_ref()))?;
    account_hash(ruby, &account, notes.as_ref())
}

fn text(ruby: &Ruby, pid: u32) -> Result<Option<RString>, Error> {
    let text = read(ruby, pid, || memory::notes(pid))?;
    Ok(text.map(|text| ruby.enc_str_new(text, ruby.utf8_encoding())))
}

fn anonymous_pages(ruby: &Ruby, pid: u32) -> Result<RArray, Error> {
    let pages = read(ruby, pid, || memory::anonymous_pages(pid))?;
    notes::pairs(ruby, &pages)
}

/// Without the GVL: it may take milliseconds, while other threads can run. It is not one system call but many short ones, so
/// that an interrupt has to wait for the end.
fn read<R: Send>(
    ruby: &Ruby,
    pid: u32,
    mut f: impl FnMut() -> nix::Result<R> + Send,
) -> Result<R, Error> {
    loop {
        let result = without_gvl(ruby, &mut f);
        ruby.thread_check_ints()?;
        if let Some(result) = result {
            return result.map_err(|errno| errors::system(ruby, &format!("/proc/{pid}"), errno));
        }
    }
}

fn rollup_hash(ruby: &Ruby, sums: &Rollup) -> Result<RHash, Error> {
    let hash = ruby.hash_new();
    for (name, bytes) in [
        ("private", sums.private()),
        ("shared", sums.shared()),
        ("pss", sums.pss),
        ("swap", sums.swap),
        ("rss", sums.rss),
        ("anonymous", sums.anonymous),
        ("private_clean", sums.private_clean),
        ("private_dirty", sums.private_dirty),
        ("shared_clean", sums.shared_clean),
        ("shared_dirty", sums.shared_dirty),
        ("swap_pss", sums.swap_pss),
    ] {
        hash.aset(ruby.to_symbol(name), bytes)?;
    }
    Ok(hash)
}

fn account_hash(ruby: &Ruby, account: &Account, notes: Option<&Notes>) -> Result<RHash, Error> {
    let hash = ruby.hash_new();
    for kind in Kind::ALL {
        let sum = account.of(kind);
        let of_kind = ruby.hash_new();
        for (name, bytes) in [
            ("private", Some(sum.private)),
            ("shared", Some(sum.shared)),
            ("swap", Some(sum.swap)),
            ("unshared", notes.map(|_| sum.unshared)),
            ("fresh", notes.map(|_| sum.fresh)),
        ] {
            of_kind.aset(ruby.to_symbol(name), bytes.into_value_with(ruby))?;
        }
        hash.aset(ruby.to_symbol(kind.name()), of_kind)?;
    }
    Ok(hash)
}

/// Defines the methods of the module, which is described in lib/pitchfork/memory.rb.
pub fn init(ruby: &Ruby, pitchfork: RModule) -> Result<(), Error> {
    let module = pitchfork.define_module("Memory")?;
    module.define_singleton_method("rollup", function!(rollup, 1))?;
    module.define_singleton_method("account", function!(account, 2))?;
    module.define_singleton_method("notes", function!(text, 1))?;
    module.define_singleton_method("anonymous_pages", function!(anonymous_pages, 1))?;
    notes::init(ruby, module)
}
