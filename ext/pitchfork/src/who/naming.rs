//! What Ruby calls its frames.

use magnus::rb_sys::{FromRawValue, protect};
use magnus::{Error, RString, Ruby, TryConvert, Value};
use pitchfork_core::who::Samples;
use rb_sys::VALUE;

/// Each frame's name and, after a tab, where its method begins; without that, if it is written in C.
pub fn names(ruby: &Ruby, samples: &Samples) -> Result<Vec<(u16, String)>, Error> {
    let frames = samples.frames();
    frames
        .map(|(index, frame)| Ok((index, name(ruby, frame as VALUE)?)))
        .collect()
}

fn name(ruby: &Ruby, frame: VALUE) -> Result<String, Error> {
    // `Hoarder#touch`; what is no method has only a label: `<main>`, `block in <top (required)>`.
    let method = ask(ruby, frame, rb_sys::rb_profile_frame_qualified_method_name)?;
    let label = || ask(ruby, frame, rb_sys::rb_profile_frame_full_label);
    let name = method.map_or_else(label, |method| Ok(Some(method)))?;
    let name = name.unwrap_or_else(|| "(a frame without a name)".to_owned());
    let Some(path) = ask(ruby, frame, rb_sys::rb_profile_frame_path)? else {
        return Ok(name);
    };
    let line = asked(frame, rb_sys::rb_profile_frame_first_lineno)?;
    let line = u32::try_convert(line).unwrap_or(0);
    Ok(format!("{name}\t{path}:{line}"))
}

type Question = unsafe extern "C" fn(VALUE) -> VALUE;

fn ask(_ruby: &Ruby, frame: VALUE, question: Question) -> Result<Option<String>, Error> {
    let text = RString::from_value(asked(frame, question)?);
    // SAFETY: copied at once.
    let copy = |text: RString| String::from_utf8_lossy(unsafe { text.as_slice() }).into_owned();
    Ok(text.map(copy).filter(|text| !text.is_empty()))
}

fn asked(frame: VALUE, question: Question) -> Result<Value, Error> {
    // SAFETY: a frame that rb_profile_frames has answered and that was marked since.
    let answer = protect(|| unsafe { question(frame) })?;
    // SAFETY: an object that Ruby has just answered; the callers use it before anything else can run.
    Ok(unsafe { Value::from_raw(answer) })
}
