# frozen_string_literal: true

require "fileutils"

module Bench
  # The compiled helpers: the load generator (rustc), the floor (cc) and the parser loop (cargo), built into tmp/ when they are
  # missing or older than their source.
  module Tools
    ROOT = File.expand_path("../..", __dir__)
    private_constant :ROOT

    module_function

    # @return [String] path of the load generator
    def load
      build("load", Dir["#{ROOT}/bench/load{.rs,/*.rs}"], "rustc", "-O", "--edition", "2024", "-o", "%s", "#{ROOT}/bench/load.rs")
    end

    # @return [String] path of the bare accept-read-write-close server
    def floor
      build("floor", ["#{ROOT}/bench/floor.c"], "cc", "-O2", "-Wall", "-o", "%s", "#{ROOT}/bench/floor.c")
    end

    # @return [String] path of what parses a head many times
    def parse
      # Cargo knows better what is out of date.
      target = "#{ROOT}/tmp/parse"
      build = %w[cargo build --quiet --release --locked --manifest-path] + ["#{ROOT}/bench/parse/Cargo.toml", "--target-dir", target]
      system(*build) or abort "cannot build bench/parse by `cargo`"
      "#{target}/release/parse"
    end

    def build(name, sources, *command)
      target = "#{ROOT}/tmp/#{name}"
      return target if FileUtils.uptodate?(target, sources)

      FileUtils.mkdir_p(File.dirname(target))
      system(*command.map { |word| word.sub("%s", target) }) or
        abort "cannot build #{name} by `#{command.first}`: install #{command.first == "cc" ? "gcc" : "Rust 1.85 or newer"}"
      target
    end
    private_class_method :build
  end
end
