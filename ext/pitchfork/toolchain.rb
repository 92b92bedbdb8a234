# frozen_string_literal: true

require "rbconfig"

# What a build of the extension needs, looked for before it starts: Cargo's own messages about a missing
# libclang or header come after minutes of other output and do not name a package.
#
# Plain Ruby without gems or mkmf, as extconf.rb runs where nothing is installed yet. What cannot be told for
# sure counts as present, and the build itself has the last word.
module Toolchain
  # The oldest Rust that edition 2024 and magnus 0.9 build with.
  CARGO = "1.85"

  # Where bindgen's loader (the crate clang-sys) looks on Linux, likeliest first. It accepts the same names.
  LIBRARY_DIRECTORIES = %w[
    /usr/lib*/*/lib /usr/lib*/* /usr/lib* /usr/lib*/*/* /usr/local/lib* /usr/local/lib*/* /usr/local/lib*/*/*
    /usr/local/llvm*/lib*
  ].freeze

  PACKAGES = {
    cargo: "Debian/Ubuntu: apt-get install rustup && rustup default stable (from Debian 13, Ubuntu 24.04 on); " \
           "Fedora: dnf install cargo; Alpine: apk add cargo; elsewhere: rustup, from rust-lang.org",
    headers: "Debian/Ubuntu: apt-get install ruby-dev; Fedora: dnf install ruby-devel; Alpine: apk add ruby-dev",
    libclang: "Debian/Ubuntu: apt-get install libclang-dev; Fedora: dnf install clang-devel; " \
              "Alpine: apk add clang-dev",
    compiler: "Debian/Ubuntu: apt-get install build-essential; Fedora: dnf install gcc make; " \
              "Alpine: apk add build-base"
  }.freeze

  module_function

  # @return [Array<String>] one line for each missing thing, with what to install; empty when the build can start
  def missing
    return ["pitchfork runs on Linux only, and this is #{RbConfig::CONFIG["host_os"]}"] unless linux?

    [cargo, headers, libclang, compiler, make].compact
  end

  def linux?
    RbConfig::CONFIG["host_os"].include?("linux")
  end

  def cargo
    return line(:cargo, "cargo #{CARGO} or newer, which is not on PATH") unless command?("cargo")

    output = IO.popen(["cargo", "--version"], err: File::NULL, &:read)
    version = output[/\Acargo (\d+\.\d+)/, 1]
    # rustup installs a cargo that only fails until a toolchain is chosen.
    return line(:cargo, "cargo #{CARGO} or newer, and `cargo --version` failed") unless version

    line(:cargo, "cargo #{CARGO} or newer, and this is #{version}") if older?(version, CARGO)
  end

  def headers
    directory = RbConfig::CONFIG["rubyhdrdir"].to_s
    line(:headers, "Ruby's headers: no ruby.h in #{directory}") unless File.file?(File.join(directory, "ruby.h"))
  end

  def libclang
    chosen = ENV["LIBCLANG_PATH"]
    return if chosen ? library_at?(chosen) : library_anywhere?

    where = ", and there is none at LIBCLANG_PATH=#{chosen} (the only place looked at when it is set)" if chosen
    line(:libclang, "libclang, which reads Ruby's headers#{where}")
  end

  def compiler
    found = ENV["CC"] || %w[cc gcc clang].any? { |name| command?(name) }
    line(:compiler, "a C compiler, and there is no cc, gcc or clang on PATH") unless found
  end

  def make
    found = ENV["MAKE"] || ENV["make"] || command?("make")
    line(:compiler, "make, which is not on PATH") unless found
  end

  def line(package, what)
    "pitchfork needs #{what}. To install it: #{PACKAGES.fetch(package)}"
  end

  def command?(name)
    ENV["PATH"].to_s.split(File::PATH_SEPARATOR).any? { |directory| File.executable?(File.join(directory, name)) }
  end

  def older?(version, than)
    (version.split(".").map(&:to_i) <=> than.split(".").map(&:to_i)).negative?
  end

  # LIBCLANG_PATH is the library or its directory, and then no other place counts.
  def library_at?(path)
    File.file?(path) || library_in?(path)
  end

  def library_anywhere?
    listed = ENV.values_at("LD_LIBRARY_PATH", "LIBRARY_PATH").compact.flat_map { |path| path.split(":") }
    (LIBRARY_DIRECTORIES + listed).any? { |directory| library_in?(directory) } || library_of_llvm?
  end

  def library_of_llvm?
    prefix = IO.popen([ENV.fetch("LLVM_CONFIG_PATH", "llvm-config"), "--prefix"], err: File::NULL, &:read).chomp
    !prefix.empty? && library_in?("#{prefix}/lib*")
  rescue SystemCallError
    false
  end

  # libclang-cpp is the C++ interface, another library.
  def library_in?(directory)
    Dir.glob("#{directory}/libclang{,-*}.so{,.*}").any? { |file| !file.include?("-cpp.") }
  end
end
