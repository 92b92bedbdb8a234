# frozen_string_literal: true

require "pitchfork/child"
require "pitchfork/late_yjit"
require "pitchfork/late_request"
require "pitchfork/mold"
require "pitchfork/out_of_band_gc"
require "pitchfork/sibling_fork"

module Pitchfork
  # A process that serves requests, one at a time, until it is retired or promoted.
  class Worker
    include Child

    COMPLAINS_EVERY = 10 # seconds
    private_constant :COMPLAINS_EVERY

    def initialize(server, port)
      @server = server
      @port = port
    end

    # @return [Integer] its number, from 0
    def nr
      @port.nr
    end

    # @return [Integer]
    def generation
      @port.generation
    end

    # @return [Integer] completed by this process
    def requests_count
      @port.requests
    end

    # @return [Array(Float, Float)] see {Info.gc_time}
    def gc_time
      @port.gc_time
    end

    def mold?
      false
    end

    # @return [Mold, Integer] its next role, or its exit status
    def run
      start
      @port.ready == :serve ? serve : leave
    end

    private

    def start
      leave_the_mold_behind
      @port.hello
      Info.worker = self
      catch_up_on_logs
      @server.callback(:after_worker_fork, self)
      @server.callback(:after_worker_ready, self)
      @server.env_template["pitchfork.worker"] = self
      @exchange = Exchange.new(@server, self)
      @late_yjit = LateYjit.in_worker(@server.configuration, nr)
      take_gc_out_of_requests if @server.configuration.out_of_band_gc
      title
    end

    def take_gc_out_of_requests
      @gc = OutOfBandGC.adapter
      @gc.begin
      @port.watch_gc
    end

    def serve
      loop do
        case event = wait
        when Client
          @client = event
          @exchange.call(event)
          @port.complete(event)
          @late_yjit = @late_yjit.after_request if @late_yjit
        when :collect
          @gc.collect(@port.goes_soon?)
        when String
          @server.log.debug(event)
        when :reopen_logs
          @server.reopen_logs
        when :promote
          mold = promote
          return mold if mold
        when :retire
          return leave
        end
      end
    end

    # Out of descriptors or memory: requests that are waiting are better served late than not. And a log that is full of it
    # helps nobody.
    def wait
      @port.wait
    rescue SystemCallError => e
      now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      unless @complained && now < @complained + COMPLAINS_EVERY
        @complained = now
        @server.report("can't accept", e)
      end
      sleep(0.1)
    end

    # By the master, when the deadline has passed. The signal may come when the request is over.
    def trap_signals
      super
      trap(:URG) { (seconds = @client&.overdue) && late(seconds, caller) }
    end

    # In a trap.
    def late(seconds, backtrace)
      return if @late

      request = LateRequest.new(@server, self, @client, seconds, backtrace)
      @late = Thread.new { request.end_worker }
    rescue ThreadError
      # No thread can be had: the master will end this process.
    end

    # @return [Mold, nil] the mold that this process has become, or in a forked child; nil: go on serving
    def promote
      return refuse(:not_fork_safe) unless Info.fork_safe?

      in_place = @port.promote_in_place?
      threads = Thread.list.size > 1
      return refuse(:threads) if threads && @server.configuration.promotion == :in_place

      in_place && !threads ? promote_in_place : promote_by_fork
    rescue StandardError, ScriptError => e
      @server.report("promotion failed", e)
      refuse(:failed)
    end

    def promote_in_place
      requests = requests_count
      mold_port = @port.take_mold
      return mold_port.close unless mold_port.hello # the master has waited too long, and wants it no more

      serve_no_more
      @client = nil # or every worker would inherit the last request, and all that the app has put into its env
      Mold.new(@server, mold_port, requests_count: requests)
    end

    # A process with threads can't be a mold, but the copy of its main thread can.
    def promote_by_fork
      @server.callback(:before_fork)
      unless Pitchfork.prevent_fork { SiblingFork.call }
        @port.commission_done
        return
      end
      mold_port = @port.take_mold
      serve_no_more
      mold_port.hello
      Mold.new(@server, mold_port)
    end

    # In a process that is to be a mold.
    def serve_no_more
      @port.close
      @gc&.end
      Info.worker = nil
    end

    def refuse(reason)
      @port.refuse(reason)
      nil
    end

    def leave
      @late&.join # which ends this process: the request was answered late, but is not forgiven
      title("retiring")
      @server.notify(:before_worker_exit, self)
      @port.close
      0
    end

    def title(status = nil)
      Process.setproctitle(["pitchfork worker[#{nr}] (gen:#{generation})", status].compact.join(" - "))
    end
  end
end
