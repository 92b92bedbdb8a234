# frozen_string_literal: true

require_relative "callgrind"
require_relative "load"

module Bench
  # What one request costs a worker in instructions and allocations. Two numbers of requests are counted: what they do not have
  # in common, divided, is one request, without the beginning and the end of counting.
  class RequestCost
    # Enough for caches to be filled and YJIT to have compiled what it will.
    WARMUP = 300
    COUNTED = [1000, 4000].freeze
    # Two, so that another request always waits: between requests that come alone, a worker also goes to sleep.
    CONCURRENCY = 2
    LIBRARY = %r{/pitchfork\.so\z}
    private_constant :WARMUP, :COUNTED, :CONCURRENCY, :LIBRARY

    # Pieces of the way, by the function that is entered.
    PARSE = /\Apitchfork_core::http::head::parse/
    WAIT = /\Apitchfork::worker::.*anon/
    CLIENT = /\Apitchfork::ruby::client::.*anon/

    # Call back into the library, so that what they cost is what is called back.
    TRAMPOLINES = /\Arb_(protect|ensure|rescue|hash_foreach|thread_call_without_gvl)/
    # Names without a meaning: addresses where there are no symbols, and the way from a Vec or a VALUE to malloc.
    GLUE = /\A0x|rust_alloc|finish_grow|RawVec|ruby_x\w*alloc|\A#{Regexp.union(Callgrind::ALLOCATORS)}\z/
    # Whoever has called these: it is they who want the memory.
    OURS = /\Apitchfork/
    private_constant :TRAMPOLINES, :GLUE, :OURS

    # @param server [Callgrind::Server]
    # @param workload [Workload] prepared
    # @return [RequestCost]
    def self.measure(server, workload)
      serve = ->(requests) { Load.run(server.target, requests: requests, concurrency: CONCURRENCY, cases: workload.cases) }
      serve.(WARMUP)
      server.profile
      new(*COUNTED.map { |requests| serve.(requests) && server.profile })
    end

    # @param fewer [CallgrindProfile]
    # @param more [CallgrindProfile]
    def initialize(fewer, more)
      @fewer = fewer
      @more = more
    end

    # @return [Float] instructions
    def total
      per_request(&:total)
    end

    # @return [Hash{String => Float}] instructions by object file, most first
    def objects
      sums = ->(profile) { profile.by { |place| object(place.object) } }
      most_first(subtract(sums.(@fewer), sums.(@more)))
    end

    # @return [Hash{String => Float}] our library's own instructions by function, most first
    def functions
      sums = ->(profile) { profile.by { |place| place.function if place.object.match?(LIBRARY) }.tap { |costs| costs.delete(nil) } }
      most_first(subtract(sums.(@fewer), sums.(@more)))
    end

    # @param function [Regexp]
    # @return [Float] instructions between entering a function of ours and leaving it
    def inside(function)
      per_request do |profile|
        entries = profile.calls.select { |call, _| call.to.function.match?(function) && !call.from.function.match?(function) }
        entries.each_value.sum(&:instructions)
      end
    end

    # @return [Hash{String => Array(Float, Float)}] what our library calls of others: times, and instructions in there
    def callees
      times, instructions = %i[times instructions].map do |what|
        subtract(*[@fewer, @more].map { |profile| sum_callees(profile, what) })
      end
      most_first(instructions).to_h { |name, cost| [name, [times[name], cost]] }
    end

    # @return [Hash{String => Float}] how often memory is allocated, by those who want it, innermost first
    def allocations
      most_first(subtract(*[@fewer, @more].map { |profile| sum_allocations(profile) }))
    end

    private

    def per_request
      (yield(@more) - yield(@fewer)).fdiv(COUNTED.last - COUNTED.first)
    end

    def subtract(fewer, more)
      (fewer.keys | more.keys).to_h { |key| [key, (more[key] - fewer[key]).fdiv(COUNTED.last - COUNTED.first)] }
    end

    def most_first(hash)
      hash.reject { |_, value| value.zero? }.sort_by { |key, value| [-value, key] }.to_h
    end

    def object(path)
      case path
      when /libruby|ruby\d/ then "libruby"
      when LIBRARY then "pitchfork.so"
      when %r{/(libc|ld-linux|libm|libgcc)[^/]*\z} then "libc"
      else "YJIT and others"
      end
    end

    def sum_callees(profile, what)
      profile.calls.each_with_object(Hash.new(0)) do |(call, cost), sums|
        next unless call.from.object.match?(LIBRARY) && !call.to.object.match?(LIBRARY)

        name = call.to.function[/\A[^']*/]
        sums[name] += cost[what] unless name.match?(TRAMPOLINES)
      end
    end

    def sum_allocations(profile)
      profile.calls.each_with_object(Hash.new(0)) do |(call, cost), sums|
        allocator, *callers = call.to.function.split("'")
        next if callers.empty? || !Callgrind::ALLOCATORS.include?(allocator)

        callers = callers.grep_v(GLUE)
        outermost = callers.index { |name| name.match?(OURS) } || 2
        sums[callers.first(outermost + 1).join(" ← ")] += cost.times
      end
    end
  end
end
