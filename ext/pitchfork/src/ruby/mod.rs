//! What knows the Ruby VM.

pub mod body;
pub mod client;
pub mod env;
pub mod errors;
pub mod gvl;
pub mod http_settings;
pub mod outlet;
pub mod privileges;
pub mod request;
pub mod response;
pub mod scoreboard;
pub mod strings;
pub mod supervision;
