//! What knows the Ruby VM.

pub mod body;
pub mod client;
pub mod env;
pub mod errors;
pub mod gvl;
pub mod heap;
pub mod http_settings;
pub mod memory;
pub mod mold_notes;
pub mod notes;
pub mod outlet;
pub mod preparation;
pub mod privileges;
pub mod request;
pub mod response;
pub mod scoreboard;
pub mod strings;
pub mod supervision;
