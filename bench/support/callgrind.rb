# frozen_string_literal: true

require "open3"
require_relative "callgrind_profile"
require_relative "servers"

module Bench
  # Instructions as valgrind's callgrind counts them: the same number every time, whatever else the machine does. What the kernel
  # executes is not counted.
  module Callgrind
    # Of these it is noted who called the callers, so that an allocation can be told from another.
    ALLOCATORS = %w[malloc calloc realloc].freeze
    COMMAND = ["valgrind", "--tool=callgrind", *ALLOCATORS.map { |name| "--separate-callers8=#{name}" }].freeze

    # pitchfork under callgrind, all its processes.
    class Server < Pitchfork
      # @return [Integer] of the worker; it can't change its title, for valgrind's is the one that is seen
      def worker
        @worker ||= log.wait_for(/worker=0 gen=0 pid=\d+ ready/).first[/pid=(\d+)/, 1].to_i
      end

      # @return [CallgrindProfile] what the worker has done since the last call
      def profile
        report, status = Open3.capture2e("callgrind_control", "--dump", worker.to_s)
        raise "callgrind_control: #{report}" unless status.success?

        @dumps = (@dumps || 0) + 1
        CallgrindProfile.read("#{directory}/out.#{worker}.#{@dumps}")
      end

      private

      def command
        [*COMMAND, "--trace-children=yes", "--callgrind-out-file=#{directory}/out.%p", *super]
      end

      # It is fifty times as slow.
      def patience
        super * 10
      end

      def settings
        "spawn_timeout #{patience}"
      end
    end

    module_function

    def installed?
      ENV["PATH"].split(":").any? { |directory| File.executable?("#{directory}/callgrind_control") }
    end

    # @return [Integer] of a whole program
    def instructions(*command)
      report, = Open3.capture2e(*COMMAND, "--callgrind-out-file=/dev/null", *command)
      Integer(report[/Collected : (\d+)/, 1] || raise("valgrind: #{report}"))
    end
  end
end
