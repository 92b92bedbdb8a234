//! Exceptions. Their classes are defined in Ruby (lib/pitchfork/errors.rb).

use std::fmt::Display;

use magnus::value::Lazy;
use magnus::{Class, Error, ExceptionClass, Module, RModule, Ruby};
use nix::errno::Errno;
use pitchfork_core::http::BodyError;

fn class(ruby: &Ruby, name: &str) -> ExceptionClass {
    ruby.class_object()
        .const_get::<_, RModule>("Pitchfork")
        .and_then(|pitchfork| pitchfork.const_get(name))
        .expect("lib/pitchfork/errors.rb is loaded before the extension")
}

static CLIENT_SHUTDOWN: Lazy<ExceptionClass> = Lazy::new(|ruby| class(ruby, "ClientShutdown"));
static RESPONSE_ERROR: Lazy<ExceptionClass> = Lazy::new(|ruby| class(ruby, "ResponseError"));
static ERROR: Lazy<ExceptionClass> = Lazy::new(|ruby| class(ruby, "Error"));

/// `Errno::E…` for a system call that failed, as Ruby itself raises it.
pub fn system(ruby: &Ruby, call: &str, errno: Errno) -> Error {
    let class: Result<ExceptionClass, Error> = ruby
        .class_object()
        .const_get::<_, RModule>("Errno")
        .and_then(|errnos| errnos.const_get(format!("{errno:?}")));
    match class.and_then(|class| class.new_instance((call,))) {
        Ok(exception) => exception.into(),
        Err(_) => Error::new(ruby.exception_runtime_error(), format!("{call}: {errno}")),
    }
}

/// The client is gone, or does not follow the protocol: nothing more comes from it or reaches it.
pub fn client_shutdown(ruby: &Ruby, why: impl Display) -> Error {
    Error::new(ruby.get_inner(&CLIENT_SHUTDOWN), why.to_string())
}

/// The request body can't be read to its end. The exception knows the status to answer with.
pub fn request_body(ruby: &Ruby, error: BodyError) -> Error {
    let class = ruby.get_inner(&CLIENT_SHUTDOWN);
    match class.new_instance((error.to_string(), error.status())) {
        Ok(exception) => exception.into(),
        Err(error) => error,
    }
}

/// The app's response can't be sent.
pub fn response(ruby: &Ruby, why: impl Display) -> Error {
    Error::new(ruby.get_inner(&RESPONSE_ERROR), why.to_string())
}

/// A bug of ours, or a call in the wrong state.
pub fn misuse(ruby: &Ruby, why: impl Display) -> Error {
    Error::new(ruby.get_inner(&ERROR), why.to_string())
}
