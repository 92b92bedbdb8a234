# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require "zlib"
require_relative "ledger"
require_relative "load"
require_relative "target"
require_relative "scenario"
require_relative "result"
Dir.glob("#{__dir__}/scenarios/*.rb").each { |path| require path }

module Chaos
  # One scenario under load: strikes until it is enough, with a wait for full strength after each.
  class Run
    # Who is not at full strength again by then will not be: the run ends.
    PATIENCE = 60
    # What is there for so long does not go away.
    LEAK = 5
    private_constant :LEAK

    # @param scenario [Class]
    # @param seed [Integer] decides who is struck, and when
    # @param pause [Float] seconds between full strength and the next strike, at most
    def initialize(scenario, seed:, pause: 0.1)
      @scenario = scenario
      @seed = seed
      @random = Random.new(Zlib.crc32("#{scenario.title} #{seed}"))
      @pause = pause
    end

    # @yieldparam faults [Integer] so far
    # @yieldparam seconds [Float] since the first
    # @yieldreturn [Boolean] whether to go on
    # @return [Result]
    def call(&more)
      directory = File.realpath(Dir.mktmpdir("chaos"))
      @result = Result.new(scenario: @scenario, seed: @seed, faults: 0, recoveries: [], ledger: Ledger.new, left: [])
      scenario = @scenario.new(directory, @result.ledger, @random)
      torment(scenario, &more)
      finish(scenario.target)
    ensure
      scenario&.target&.kill
      FileUtils.remove_entry(directory)
    end

    private

    def torment(scenario, &more)
      @result.boot = scenario.start
      load = Load.new(@result.ledger, scenario.target.addresses, kinds: scenario.kinds)
      @result.before = census(load.start, scenario.target)
      load.start
      strike_again_and_again(scenario, &more)
      @result.after = census(load, scenario.target, bound: @result.before)
    rescue Trouble => e
      @result.trouble = e.message
    ensure
      load&.stop
    end

    def strike_again_and_again(scenario)
      target = scenario.target
      began = target.now
      while yield(@result.faults, target.now - began)
        sleep(@random.rand * @pause)
        strike = scenario.strike
        @result.faults += strike.faults
        seconds = target.recovered(strike.since, PATIENCE, without: strike.gone) or raise Trouble, "no full strength in #{PATIENCE} s"
        @result.recoveries << seconds
      end
    ensure
      @result.seconds = target.now - began
    end

    # Under no load, for a connection is a descriptor, but after some, for a process opens others with its first requests. What is
    # above the bound for a moment, because a process is just being made, is no leak: that stays.
    def census(load, target, bound: nil)
      latest = target.now + PATIENCE
      loop do
        raise Trouble, "no rest in #{PATIENCE} s: #{target.processes.children.map(&:title)}" unless target.settled(latest - target.now)

        load.stop
        census = target.processes.census
        return census if bound.nil? || target.now > latest - PATIENCE + LEAK || census.none? { |what, number| number > bound[what] }
      end
    end

    # @return [Result]
    def finish(target)
      @result.boots = target.boots - 1
      @result.left = target.stop
      @result.log = target.log
      @result
    end
  end
end
