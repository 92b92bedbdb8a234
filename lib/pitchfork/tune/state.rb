# frozen_string_literal: true

require "fileutils"
require "json"
require "pitchfork/errors"
require "pitchfork/tune/candidate"
require "pitchfork/tune/deadline"
require "pitchfork/tune/measurement"
require "pitchfork/tune/plan"

module Pitchfork
  module Tune
    # What was measured so far, in a file that is written anew after each trial, so that an interrupted tuning can go on.
    class State
      # One run of the command: the tuning begins with the first, and goes on with each of the others.
      #
      # @!attribute given
      #   @return [Numeric] seconds
      # @!attribute taken
      #   @return [Float] seconds
      Round = Struct.new(:given, :taken)

      NAME = "state.json"
      FORMAT = 1
      private_constant :FORMAT

      # @return [Array<Run>]
      attr_reader :runs
      # @return [Plan, nil] nil until it is known how fast the app is
      attr_reader :plan
      # @return [Time] of the first trial
      attr_reader :started
      # @return [Array<Round>]
      attr_reader :rounds

      # @param directory [String] made when there is something to write
      # @param fingerprint [Hash{String => String}] see {Fingerprint}
      # @param resume [Boolean] whether it may go on with what is there
      # @return [State]
      # @raise [ConfigurationError] when there is something and it may not, or nothing and it should, or it is about something else
      def self.open(directory, fingerprint, resume:)
        path = File.join(directory, NAME)
        there = File.exist?(path)
        if resume && !there
          raise ConfigurationError, "#{path}: nothing to resume; leave out --resume, or name the directory by --out"
        elsif there && !resume
          raise ConfigurationError, "#{path} holds an earlier tuning; go on with it by --resume, or name another directory by --out"
        end

        there ? read(path, fingerprint) : new(path, fingerprint)
      end

      def self.read(path, fingerprint)
        data = JSON.parse(File.read(path))
        if data["format"] != FORMAT
          raise ConfigurationError, "#{path}: written by another version of pitchfork; name another directory by --out"
        end

        changed = fingerprint.reject { |name, value| data["fingerprint"][name] == value }.keys
        if changed.any?
          raise ConfigurationError, "#{path}: measured with another #{changed.join(", ")}, so it says nothing about this one; " \
                                    "name another directory by --out"
        end
        new(path, fingerprint, data)
      rescue JSON::ParserError, KeyError, NoMethodError, TypeError
        raise ConfigurationError, "#{path}: no state of a tuning; remove it, or name another directory by --out"
      end
      private_class_method :read

      def initialize(path, fingerprint, data = {})
        @path = path
        @fingerprint = fingerprint
        @started = Time.at(data.fetch("started", Time.now.to_i))
        @plan = Plan.new(**data["plan"].transform_keys(&:to_sym)) if data["plan"]
        @runs = data.fetch("runs", []).map do |run|
          Run.new(Candidate.from(run.fetch("settings")), Measurement.new(**run.fetch("shown").transform_keys(&:to_sym)))
        end
        @rounds = data.fetch("rounds", []).map { |given, taken| Round.new(given, taken) }
      end

      # A round is what happens meanwhile.
      #
      # @param given [Numeric] seconds that it may take
      def round(given)
        @rounds << Round.new(given, 0.0)
        @begun = Deadline.now
        yield
      ensure
        write if @runs.any?
        @begun = nil
      end

      # @param plan [Plan]
      def plan=(plan)
        @plan = plan
        write
      end

      # @param run [Run]
      # @return [self]
      def <<(run)
        @runs << run
        write
        self
      end

      private

      # Whoever reads it finds the old one or the new one, whole.
      def write
        @rounds.last.taken = Deadline.now - @begun if @begun
        FileUtils.mkdir_p(File.dirname(@path))
        File.write("#{@path}.new", JSON.pretty_generate(to_h))
        File.rename("#{@path}.new", @path)
      end

      def to_h
        {
          format: FORMAT, fingerprint: @fingerprint, started: @started.to_i, plan: @plan&.to_h, rounds: @rounds.map(&:to_a),
          runs: @runs.map { |run| { settings: run.candidate.to_h, shown: run.measurement.to_h.compact } }
        }
      end
    end
  end
end
