# frozen_string_literal: true

require "open3"

module Chaos
  # Takes from a running process what the kernel gives it, with prlimit(1), and gives it back.
  class Limits
    # @return [String, nil] why it can't be done here
    def self.impossible
      "prlimit of util-linux is not there" unless system("prlimit", "--version", out: File::NULL, err: File::NULL)
    end

    # @param wrapper [Array<String>] a command that executes another as somebody who may do it: root, as the capabilities of a
    #   container are, may not change the limits of others
    def initialize(wrapper = [])
      @prlimit = [*wrapper, "prlimit"]
    end

    # Sets the soft limit of a process. One that has ended meanwhile needs none.
    #
    # @param resource [Symbol] prlimit's name for it
    # @param value [Integer, String]
    def set(pid, resource, value)
      system(*@prlimit, "--pid", pid.to_s, "--#{resource}=#{value}:", err: File::NULL) or
        (File.exist?("/proc/#{pid}") and raise "prlimit --pid #{pid} --#{resource}=#{value}: failed")
    end

    # @return [String] the soft limit
    def get(pid, resource)
      output, status = Open3.capture2(*@prlimit, "--pid", pid.to_s, "--#{resource}", "--output=SOFT", "--noheadings", "--raw")
      raise "prlimit --pid #{pid} --#{resource} failed" unless status.success?

      output.strip
    end
  end
end
