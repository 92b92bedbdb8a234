# frozen_string_literal: true

require "fileutils"
require_relative "../ext/pitchfork/toolchain"

TARGET_DIRECTORY = ENV.fetch("CARGO_TARGET_DIR", "target")
EXTENSION = "lib/pitchfork/pitchfork.#{RbConfig::CONFIG["DLEXT"]}"

CLOBBER.include("target", EXTENSION)

# Puts a new library in place of an old one by renaming: a running server has the old file mapped, and writing
# into it would change the code under that server's feet.
def install_extension(built)
  return if File.exist?(EXTENSION) && FileUtils.identical?(built, EXTENSION)

  fresh = "#{EXTENSION}.#{Process.pid}"
  cp built, fresh
  mv fresh, EXTENSION
end

desc "Compile the extension into lib/ (PROFILE=dev for a quick, slow-running build)"
task :compile do
  missing = Toolchain.missing
  abort missing.join("\n") unless missing.empty?

  profile = ENV.fetch("PROFILE", "release")
  cargo "build", "--locked", "--package", "pitchfork", "--profile", profile
  # Cargo's name for the directory of the dev profile.
  directory = profile == "dev" ? "debug" : profile
  install_extension File.join(TARGET_DIRECTORY, directory, "libpitchfork.#{RbConfig::CONFIG["SOEXT"]}")
end
