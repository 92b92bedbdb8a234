//! What mappings are taken for: shortened from those of real processes on Linux 6.18 (sizes of files and names of libraries are of no
//! importance, so most are left out).

use pitchfork_core::memory::kind::{Nature, natures};
use pitchfork_core::memory::{Kind, smaps};

/// Each mapping as `ADDRESSES PERMISSIONS NAME or - | FLAGS | what it has to be taken for`.
fn assert_natures(lines: &str) {
    let mut text = String::new();
    let mut expected = Vec::new();
    for line in lines.trim().lines().map(str::trim) {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [mapping, flags, nature] = parts[..] else {
            panic!("not three parts: {line}")
        };
        let words: Vec<&str> = mapping.splitn(3, ' ').collect();
        let name = words[2].trim_start_matches('-');
        let inode = u32::from(name.starts_with('/'));
        let (addresses, permissions) = (words[0], words[1]);
        text += &format!(
            "{addresses} {permissions} 00000000 00:00 {inode}    {name}\nVmFlags: {flags}\n"
        );
        expected.push(nature);
    }
    let regions = smaps::parse(&text);
    assert_eq!(regions.len(), expected.len());
    for ((region, nature), expected) in regions.iter().zip(natures(&regions)).zip(expected) {
        let told = match nature {
            Nature::Is(kind) => kind.name().to_string(),
            Nature::Blocks(rest) => format!("blocks, {}", rest.name()),
            Nature::Above { zeroed, rest } => {
                assert_eq!(zeroed, region.addresses.start + (128 << 10));
                format!("above, {}", rest.name())
            }
        };
        assert_eq!(told, expected, "{:x?} {}", region.addresses, region.name);
    }
}

#[test]
fn ruby_3_3_with_yjit_and_glibc() {
    assert_natures(
        "5559357c7000-5559357c8000 rw-p /usr/bin/ruby3.3 | rd wr ac | file
         555953d8c000-555954827000 rw-p [heap] | rd wr ac | malloc
         7f3968000000-7f3969dc7000 rw-p - | rd wr nr | malloc
         7f3969dc7000-7f396c000000 ---p - | mr mw nr | malloc
         7f396fb50000-7f397017c000 rw-p - | rd wr ac | blocks, malloc
         7f3975a2f000-7f3975a30000 ---p - | mr mw ac | other
         7f3975a30000-7f3975b30000 rw-p - | rd wr ac nh | stack
         7f3975b30000-7f397a700000 rw-p - | rd wr ac | blocks, malloc
         7f3996564000-7f3996568000 rw-p /usr/lib/libruby-3.3.so.3.3.8 | rd wr ac | file
         7f3996568000-7f399657d000 rw-p - | rd wr ac | above, malloc
         7f399659c000-7f39965a3000 r--s /usr/lib/gconv/gconv-modules.cache | rd sh | file
         7f39965ce000-7f39965d2000 r--p [vvar] | rd pf | other
         7f39965d4000-7f39965d6000 r-xp [vdso] | rd ex | other
         7f3996702000-7f399674e000 r-xp - | rd ex ac | jit
         7f399674e000-7f3999702000 ---p - | mr mw me ac | other
         7ffc68d7a000-7ffc69579000 rw-p [stack] | rd wr gd ac | stack",
    );
}

/// Extensions and objects in turn: the kernel has joined heap pages with the zeroed data of what lies below the gap that it filled.
#[test]
fn ruby_3_1_above_its_extensions() {
    assert_natures(
        "7f1c2a1d4000-7f1c2a1d5000 rw-p /usr/lib/ruby/3.1.0/zlib.so | rd wr ac | file
         7f1c2a1d5000-7f1c2a9e0000 rw-p - | rd wr ac | above, malloc
         7f1c2a9e0000-7f1c2a9e3000 r--p /usr/lib/ruby/3.1.0/strscan.so | rd ac | file
         7f1c2a9e8000-7f1c2a9e9000 r--p /usr/lib/ruby/3.1.0/strscan.so | rd ac | file
         7f1c2a9e9000-7f1c2a9ea000 rw-p /usr/lib/ruby/3.1.0/strscan.so | rd wr ac | file
         7f1c2a9ea000-7f1c2a9eb000 ---p - | ac | other
         7f1c2a9eb000-7f1c2aa8c000 rw-p - | rd wr ac | stack
         7f1c2aa90000-7f1c2aa91000 rw-p /usr/lib/libc.so.6 | rd wr ac | file
         7f1c2aa92000-7f1c2aa9f000 rw-p - | rd wr ac | blocks, malloc
         7f1c2aaa0000-7f1c2aaa1000 rw-s /memfd:somebody's (deleted) | rd wr sh | file
         7f1c2aaa1000-7f1c2aab1000 rw-p - | rd wr ac | blocks, malloc
         7f1c2aab1000-7f1c2aab2000 rw-p /usr/lib/libnamed.so | rd wr ac | file
         7f1c2aab2000-7f1c2aac2000 rw-p [anon:Ruby:GC:default:heap_page_body_allocate] | rd wr ac | ruby_heap",
    );
}

#[test]
fn yjit_while_it_compiles() {
    assert_natures(
        "7f3996702000-7f3996742000 r-xp - | rd ex ac | jit
         7f3996742000-7f3996746000 rw-p - | rd wr ac | jit
         7f3996746000-7f399674a000 r-xp - | rd ex ac | jit
         7f399674a000-7f399674e000 rw-p - | rd wr ac | jit
         7f399674e000-7f3999702000 ---p - | mr mw me ac | other
         7f3999702000-7f3999712000 rw-p - | rd wr ac | blocks, malloc",
    );
}

#[test]
fn jemalloc() {
    assert_natures(
        "7fa780650000-7fa782400000 rw-p - | rd wr ac | blocks, other
         7fa782400000-7fa782800000 rw-p - | rd wr nr | malloc
         7fa787bc0000-7fa787f40000 rw-p - | rd wr nr | malloc
         7fa787f40000-7fa787f70000 rw-p - | rd wr ac | blocks, other
         7fa7a4679000-7fa7a4682000 r--p /usr/lib/libjemalloc.so.2 | rd | file
         7fa7a4750000-7fa7a4751000 rw-p /usr/lib/libjemalloc.so.2 | rd wr | file
         7fa7a4751000-7fa7a4972000 rw-p - | rd wr | above, other",
    );
}

/// An older kernel has no flag for stacks, and glibc's arenas are known by their addresses where memory may not be overcommitted.
#[test]
fn without_flags() {
    assert_natures(
        "7fe85c000000-7fe85ddc7000 rw-p - | rd wr ac | malloc
         7fe85ddc7000-7fe860000000 ---p - | ac | other
         7fe863358000-7fe863359000 ---p - | ac | other
         7fe863359000-7fe8633fa000 rw-p - | rd wr ac | stack
         7fe8633fa000-7fe8633fb000 ---p - | ac | other
         7fe8633fb000-7fe86349c000 rw-p - | rd wr ac | stack
         7fe864798000-7fe866798000 rw-p - | rd wr ac | blocks, malloc
         7fe868000000-7fe86c000000 rw-p - | rd wr ac | malloc",
    );
}

/// Ruby 3.4 and glibc 2.39 name what they map, if the kernel lets them.
#[test]
fn names() {
    assert_natures(
        "7f0000010000-7f0000020000 rw-p [anon:Ruby:GC:default:heap_page_body_allocate] | rd wr ac | ruby_heap
         7f0000030000-7f0000040000 rw-p [anon:Ruby:rb_yjit_reserve_addr_space] | rd wr ac | jit
         7f0000050000-7f0000060000 rw-p [anon:Ruby:fiber_pool_expand:fiber_pool] | rd wr ac | stack
         7f0000070000-7f0000080000 rw-p [anon:Ruby:Init_default_shapes:shape_list] | rd wr ac | other
         7f0000090000-7f00000a0000 rw-p [anon: glibc: malloc arena] | rd wr nr | malloc
         7f00000b0000-7f00000c0000 rw-p [anon: glibc: pthread stack: 17] | rd wr ac | stack
         7f00000d0000-7f00000e0000 rw-p [anon:somebody's] | rd wr ac | blocks, malloc
         7f00000f0000-7f0000100000 rw-s /dev/zero (deleted) | rd wr sh | file",
    );
}

#[test]
fn names_of_kinds_are_different() {
    let names: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), Kind::ALL.len());
    assert!(
        (0..)
            .zip(Kind::ALL)
            .all(|(index, kind)| kind as usize == index)
    );
}
