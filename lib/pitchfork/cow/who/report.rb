# frozen_string_literal: true

require "pitchfork/errors"

module Pitchfork
  module Cow
    module Who
      # What a worker has written (ext/core/src/who/report.rs).
      class Report
        # A method, and where it begins: `path:line`, or nil if it is written in C.
        Frame = Struct.new(:name, :place)
        # A page fault that stands for `weight` of them. `frames`: the innermost first; `:gc`; or nil, when nothing is known.
        Sample = Struct.new(:address, :weight, :function, :frames)

        # @return [Float] for which the worker was watched
        attr_reader :seconds
        # @return [Integer] completed meanwhile
        attr_reader :requests
        # @return [Integer] page faults, sampled or not
        attr_reader :faults
        # @return [Array<Sample>]
        attr_reader :samples

        # @param text [String]
        # @return [Report]
        # @raise [ConfigurationError] what kept the worker from sampling, and what helps
        def self.parse(text)
          new(text.lines(chomp: true).map { |line| line.split(" ", 2) })
        end

        # @api private
        def initialize(facts)
          error = facts.assoc("error")
          raise ConfigurationError, Report.remedy(*error.last.split(" ", 2)) if error

          @seconds = Float(facts.assoc("seconds").last)
          @requests, @faults = %w[requests faults].map { |name| Integer(facts.assoc(name).last) }
          @full = facts.include?(["full"])
          @frames = named(facts, "frame").transform_values { |name| Frame.new(*name.split("\t", 2)) }
          @functions = named(facts, "function")
          @samples = facts.filter_map { |name, value| sample(value) if name == "sample" }
        end

        # @return [Boolean] whether there was no room for more samples
        def full?
          @full
        end

        # @return [String]
        def self.remedy(errno, call)
          cause, help = REMEDIES[errno]
          return "the worker could not sample page faults: #{call} failed with #{errno}" unless call == "perf_event_open" && cause

          "the kernel lets the worker have no perf event (#{call}: #{errno}): #{cause}; #{help}"
        end

        REMEDIES = {
          "EACCES" => ["kernel.perf_event_paranoid is greater than 2",
                       "set it to 2 (sysctl kernel.perf_event_paranoid=2), or give the server CAP_PERFMON"],
          "EPERM" => ["a seccomp filter forbids it, as Docker's does, or perf_event_paranoid is greater than 2",
                      "give the container CAP_PERFMON (--cap-add PERFMON) or a profile that allows perf_event_open"],
          "ENOSYS" => ["it has none, or a sandbox like gVisor stands in for it", "ask a server that runs elsewhere"]
        }.freeze
        private_constant :REMEDIES

        private

        def named(facts, name)
          facts.filter_map { |fact, value| value.split(" ", 2) if fact == name }.to_h
        end

        def sample(value)
          address, weight, function, code = value.split
          frames = code == "gc" ? :gc : (@frames.values_at(*code.split(",")) unless code == "-")
          Sample.new(address.to_i(16), Integer(weight), @functions.fetch(function), frames)
        end
      end
    end
  end
end
