# frozen_string_literal: true

require "fileutils"

module Bench
  # The compiled helpers: the load generator (rustc) and the floor (cc), built into tmp/ when they are missing or older than
  # their source.
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
