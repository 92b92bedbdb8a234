//! Hands Ruby's build settings to this crate: cfg flags for its version, arguments for the linker.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rb_sys_env::activate()?;
    Ok(())
}
