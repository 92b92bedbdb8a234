//! Where Ruby keeps its objects and the bodies of its methods.

use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pitchfork_core::memory::Ranges;

use crate::sys::memory::page_size;

/// `rb_objspace_each_objects`, which libruby has for its own extensions, and no header for others: a callback and its data.
/// The callback gets where the slots of a page begin and end, how far they are apart, and its data; 0: go on.
type EachObjects = unsafe extern "C" fn(
    unsafe extern "C" fn(*mut c_void, *mut c_void, usize, *mut c_void) -> c_int,
    *mut c_void,
);

/// The pages of the GC's heap, and the malloc'd pages that hold the bodies of methods.
pub struct Heap {
    /// Slots, rounded to pages.
    pub objects: Ranges,
    /// Empty for a Ruby whose insides are not known here.
    pub code: Ranges,
}

impl Heap {
    /// Looks at every slot. `None`: this Ruby does not tell where its heap is.
    pub fn look() -> Option<Heap> {
        // SAFETY: a terminated name, looked up in what is loaded.
        let at = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"rb_objspace_each_objects".as_ptr()) };
        if at.is_null() {
            return None;
        }
        // SAFETY: the function has had this type from Ruby 2.1 to 3.4 (internal/gc.h), and what it returned was ignored.
        let each_objects = unsafe { std::mem::transmute::<*mut c_void, EachObjects>(at) };
        let mut look = Look {
            page: page_size(),
            pages: Vec::new(),
            bodies: Vec::new(),
        };
        // SAFETY: the GVL is held; `at_page` matches the data, which lives until the call returns.
        unsafe { each_objects(Look::at_page, (&raw mut look).cast()) };
        Some(Heap {
            objects: look.pages.into_iter().collect(),
            code: look.bodies.into_iter().collect(),
        })
    }
}

struct Look {
    page: u64,
    pages: Vec<Range<u64>>,
    bodies: Vec<Range<u64>>,
}

impl Look {
    /// T_IMEMO and, above the flags that all objects have, imemo_iseq: the slot is an iseq's (internal/imemo.h).
    const ISEQ: usize = 0x1a | 7 << 12;
    const ISEQ_MASK: usize = 0x1f | 0xf << 12;
    /// Of struct rb_iseq_struct (vm_core.h): flags, wrapper, body.
    const BODY: usize = 2;
    /// Of struct rb_iseq_constant_body, which has YJIT's counter of calls near its end: 312 bytes in Ruby 3.1, 344 in 3.3.
    const BODY_SIZE: u64 = 384;

    /// All of them hold from Ruby 3.1 to 3.4. Another may have something else in their places.
    const HOLD: bool = cfg!(all(ruby_gte_3_1, ruby_lte_3_4));

    unsafe extern "C" fn at_page(
        start: *mut c_void,
        end: *mut c_void,
        stride: usize,
        look: *mut c_void,
    ) -> c_int {
        // SAFETY: what `look` passes; nobody else has it meanwhile.
        let look = unsafe { &mut *look.cast::<Look>() };
        // A panic must not unwind through C. Whatever it was, the notes are without the rest.
        let went_on = catch_unwind(AssertUnwindSafe(|| {
            let (start, end) = (start as usize, end as usize);
            let slots = look.whole(start as u64..end as u64);
            look.pages.push(slots);
            if Look::HOLD {
                // SAFETY: the slots of a page of the heap, as Ruby has just said.
                unsafe { look.bodies(start, end, stride) };
            }
        }));
        c_int::from(went_on.is_err())
    }

    /// # Safety
    /// From `start` on there must be slots of `stride` bytes, of three words at least, up to `end`.
    unsafe fn bodies(&mut self, start: usize, end: usize, stride: usize) {
        for slot in (start..end).step_by(stride) {
            let slot = slot as *const usize;
            // SAFETY: the first word of any slot, used or free, is its flags.
            if unsafe { *slot } & Self::ISEQ_MASK != Self::ISEQ {
                continue;
            }
            // SAFETY: an iseq's third word. It is not followed.
            let body = unsafe { *slot.add(Self::BODY) } as u64;
            let body = self.whole(body..body.saturating_add(Self::BODY_SIZE));
            // 0: it has none yet. And those of one file lie side by side.
            if body.start > 0 && self.bodies.last() != Some(&body) {
                self.bodies.push(body);
            }
        }
    }

    fn whole(&self, range: Range<u64>) -> Range<u64> {
        range.start / self.page * self.page..range.end.next_multiple_of(self.page)
    }
}
