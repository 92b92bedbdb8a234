# frozen_string_literal: true

require "rbconfig"

module Pitchfork
  # How to start this Ruby again as it was started: the boot mold is a new process with the same flags, in the same
  # directory, or where a link by that name leads since. Both are noted when this file is loaded, because a process title
  # overwrites the one and a configuration file may change the other.
  module RubyCommand
    # Ruby's options whose argument may be a word of its own.
    WITH_ARGUMENT = %w[
      -C -E -I -X -r --disable --enable --encoding --external-encoding --internal-encoding --parser
    ].freeze
    # Options that have done their work: {DIRECTORY} is where they have led.
    DIRECTORY_FLAG = /\A-[CX]/

    # @param words [Array<String>] a command line, the interpreter first
    # @return [Array<String>] the interpreter's own flags; none for `ruby -e`, which has no script to tell them from
    def self.flags_in(words)
      words = words.drop(1)
      flags = []
      while words.first&.start_with?("-") && words.first != "--"
        return [] if words.first.start_with?("-e")

        flag = [words.shift]
        flag << words.shift if WITH_ARGUMENT.include?(flag.last) && !words.empty?
        flags.concat(flag) unless flag.first.match?(DIRECTORY_FLAG)
      end
      flags
    end

    # @param physical [String] the working directory without links
    # @param logical [String, nil] how the shell calls it (PWD): by a link, perhaps, that is to lead elsewhere some day
    # @return [String]
    def self.directory(physical, logical)
      logical&.start_with?("/") && File.identical?(physical, logical) ? logical : physical
    end

    DIRECTORY = directory(Dir.pwd, ENV.fetch("PWD", nil)).freeze
    FLAGS = flags_in(File.read("/proc/self/cmdline").split("\0")).freeze
    LIBRARY = File.expand_path("..", __dir__)
    SCRIPT = File.expand_path("../../exe/pitchfork", __dir__)

    # @param argv [Array<String>] of the `pitchfork` command
    # @param flags [Array<String>] of Ruby, besides the user's
    # @return [Array<String>] to be spawned in the directory of a release
    def self.pitchfork(argv, flags = [])
      [RbConfig.ruby, *FLAGS, *flags, "-I", LIBRARY, SCRIPT, *argv]
    end
  end
end
