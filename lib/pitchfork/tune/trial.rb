# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require "pitchfork/cow/size"
require "pitchfork/memory"
require "pitchfork/tune/measurement"
require "pitchfork/tune/replay"
require "pitchfork/tune/trial_server"

module Pitchfork
  module Tune
    # A server with a candidate's settings, from its boot to its end, and what it shows meanwhile.
    class Trial
      MIB = 1024.0 * 1024
      private_constant :MIB

      # @param subject [Subject]
      # @param list [RequestList]
      # @param candidate [Candidate]
      # @param failed_log [String] path where the log of a failed trial is kept
      def initialize(subject, list, candidate, failed_log:)
        @subject = subject
        @list = list
        @candidate = candidate
        @failed_log = failed_log
      end

      # @param plan [Plan]
      # @param deadline [Deadline]
      # @param patience [Float, nil] seconds that the boot may take; nil: all there are
      # @yieldparam phase [String] what is being done
      # @return [Measurement]
      # @raise [OutOfTime]
      def run(plan, deadline, patience: nil, &phase)
        started = Deadline.now
        figures = opened(deadline, phase, patience) do |server, replay|
          booted = Deadline.now
          reforks = warm_up(server, replay, plan, deadline, &phase)
          phase.call("measuring")
          figures(server, replay, plan, deadline).merge(reforks: reforks, boot: booted - started)
        end
        Measurement.new(**figures, seconds: Deadline.now - started)
      rescue Failed => e
        Measurement.new(failure: e.message, seconds: Deadline.now - started)
      end

      # Asks a fresh server for some seconds, to learn how long things take.
      #
      # @param seconds [Float]
      # @return [(Float, Float)] requests a second, and the seconds that the boot took
      # @raise [OutOfTime, Failed]
      def calibrate(seconds, deadline, &phase)
        started = Deadline.now
        opened(deadline, phase) do |_server, replay|
          booted = Deadline.now
          phase.call("first requests")
          [rate(replay, booted + seconds, deadline), booted - started]
        end
      end

      private

      def opened(deadline, phase, patience = nil)
        phase.call("booting")
        Dir.mktmpdir("pitchfork-tune") do |directory|
          socket = "#{directory}/socket"
          config = "#{directory}/pitchfork.rb"
          File.write(config, @subject.trial(@candidate, socket))
          TrialServer.open(@subject.argv(config, socket), "#{directory}/log", deadline, patience) do |server|
            yield server, Replay.new(socket, @list, clients: @subject.workers)
          end
        rescue Failed, OutOfTime
          keep("#{directory}/log")
          raise
        end
      end

      # In growing pieces: the first ones are slow, because nothing is warm.
      def rate(replay, until_then, deadline)
        served = 0
        size = @subject.workers * 4
        loop do
          result = ask(replay, served...(served + size), deadline)
          served += size
          return result.rate if Deadline.now >= until_then || size > 100_000

          size *= 2
        end
      end

      # @return [Integer] reforks
      def warm_up(server, replay, plan, deadline)
        points = plan.reforks(@subject.refork_after(@candidate))
        served = 0
        [*points, plan.warmup].each_with_index do |point, number|
          yield "warming up, #{served} of #{plan.warmup} requests"
          ask(replay, served...point, deadline) if point > served
          served = point
          server.refork(deadline) if number < points.size
        end
        points.size
      end

      def figures(server, replay, plan, deadline)
        before = cpu(server)
        result = ask(replay, plan.warmup...(plan.warmup + plan.measured), deadline)
        after = cpu(server)
        spent = after.sum { |process, seconds| seconds - before.fetch(process, 0.0) }
        { rate: result.rate, p50: result.p50, p99: result.p99, statuses: result.statuses.transform_keys(&:to_s),
          cpu: spent * 1000 / result.requests, **memory(server) }
      end

      def ask(replay, numbers, deadline)
        result = replay.run(numbers, deadline)
        return result if result.failures.empty?

        counted = result.failures.tally.sort_by { |_, count| -count }.first(3).map { |text, count| "#{text} (#{count})" }
        raise Failed, "of #{Cow::Size.count(result.requests, "request")} #{result.failures.size} failed: #{counted.join(", ")}"
      end

      def cpu(server)
        server.tree.select(&:worker?).to_h { |process| [[process.pid, process.started], process.cpu] }
      end

      def memory(server)
        sizes = server.tree.filter_map { |process| measured(process) }.to_h
        workers = sizes.select { |process, _| process.worker? }
        if workers.size < @subject.workers
          raise Failed, "only #{workers.size} of #{Cow::Size.count(@subject.workers, "worker")} left. It said:\n#{server.last_words}"
        end

        { pss: sizes.values.sum { |size| size[:pss] } / MIB,
          private: workers.values.sum { |size| size[:private] } / MIB / workers.size,
          mold: sizes.sum { |process, size| process.mold? ? size[:private] : 0 } / MIB }
      end

      # What the app starts comes and goes: only workers are missed.
      #
      # @return [(ProcessTree::Node, Hash), nil] nil: it has ended since it was listed
      def measured(process)
        [process, Memory.rollup(process.pid)]
      rescue Errno::ESRCH, Errno::ENOENT
        nil
      end

      def keep(log)
        FileUtils.cp(log, @failed_log)
      rescue SystemCallError
        nil # the reason itself matters more
      end
    end
  end
end
