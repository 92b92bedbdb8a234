# frozen_string_literal: true

# Run by `gem install`: checks what the build needs and writes a Makefile that hands it to Cargo. Neither mkmf
# nor a gem helps here: mkmf's abort prints forty lines of options that do not apply, and Cargo needs no probing.

require "rbconfig"
require_relative "toolchain"

missing = Toolchain.missing
abort missing.join("\n") unless missing.empty?

# RubyGems 3.3 sets sitearchdir in RbConfig before it loads this file, newer ones pass `make sitearchdir=...`:
# a Makefile variable that starts as RbConfig's serves both. None of them cleans up after installing, and the
# build tree has a hundred megabytes: `install` removes it.
File.write("Makefile", <<~MAKE)
  srcdir = #{__dir__}
  sitearchdir = #{RbConfig::CONFIG["sitearchdir"]}
  archdir = $(DESTDIR)$(sitearchdir)/pitchfork

  # rb-sys binds to this Ruby, and a default target would move the library to another directory.
  export RUBY = #{RbConfig.ruby}
  unexport CARGO_BUILD_TARGET
  CARGO = cargo

  LIBRARY = target/release/libpitchfork.#{RbConfig::CONFIG["SOEXT"]}
  HINT = pitchfork: if the failure above is about stdarg.h or stddef.h, libclang lacks its headers. #{Toolchain::PACKAGES.fetch(:libclang)}

  all: $(LIBRARY)

  $(LIBRARY): FORCE
  	$(CARGO) build --release --locked --manifest-path "$(srcdir)/Cargo.toml" --target-dir target || { echo "$(HINT)" >&2; exit 1; }

  install: $(LIBRARY)
  	mkdir -p "$(archdir)"
  	install -m 755 $(LIBRARY) "$(archdir)/pitchfork.#{RbConfig::CONFIG["DLEXT"]}"
  	rm -rf target

  clean distclean realclean:
  	rm -rf target

  FORCE:

  .PHONY: all install clean distclean realclean FORCE
MAKE
