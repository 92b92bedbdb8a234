# frozen_string_literal: true

require "json"
require "socket"
require_relative "drawing"
require_relative "load"
require_relative "memory"
require_relative "mixture"
require_relative "servers"

module Bench
  # A server of two workers that never refork, under a mixture of requests, and what its processes have in between.
  class Soak
    APP = File.expand_path("../apps/soak.ru", __dir__)
    WORKERS = 2
    STEPS = 10
    # Until then a process fills its caches, and its heap finds its size.
    WARM = 2

    # What one process has: private memory as it is, with what malloc keeps for later and garbage, and then, after a garbage
    # collection and malloc_trim(3), what is in use. Of the processes that are not workers, which can't be asked, what the kernel
    # knows.
    Sample = Struct.new(:private, :pss, :trimmed, :malloc, :objects, :pages, :descriptors, :threads)
    HEADINGS = ["requests", "process", "private MiB", "PSS MiB", "trimmed MiB", "malloc KiB", "objects", "pages", "files", "threads"].freeze
    # By how much it may grow. In a million requests to two workers, the smallest piece that malloc has, lost with every tenth,
    # would be about the bound of malloc, and an object lost with every hundredth four times that of objects. Less would be false
    # alarm: Ruby's table of interned strings, in which their coming and going leaves holes, doubles once, by half a MiB.
    BOUNDS = { private: 8.0, trimmed: 2.0, malloc: 1024.0, objects: 1000, descriptors: 0, threads: 0 }.freeze
    UNITS = { private: "MiB", trimmed: "MiB", malloc: "KiB" }.freeze
    # Free memory that glibc keeps for a thread looks like memory in use.
    ENVIRONMENT = { "GLIBC_TUNABLES" => "glibc.malloc.tcache_count=0" }.freeze
    private_constant :ENVIRONMENT, :HEADINGS

    def initialize(requests, yjit:)
      @requests = requests
      @yjit = yjit
      @samples = {}
    end

    # @return [self]
    # @raise [Load::Failed] when a request did not end as it has to
    def run
      Dir.mktmpdir("bench") do |directory|
        cases = Mixture.prepare(directory)
        Pitchfork.open(APP, workers: WORKERS, yjit: @yjit, env: { "BENCH_FILES" => directory, **ENVIRONMENT }) do |server|
          @samples[0] = sample(server)
          STEPS.times do |step|
            Load.run(server.target, requests: @requests / STEPS, cases: cases)
            @samples[@requests / STEPS * (step + 1)] = sample(server)
            warn "#{@requests / STEPS * (step + 1)} requests"
          end
        end
      end
      self
    end

    # @return [Array<String>] what grew by more than its bound
    def growth
      first, last = @samples.values.values_at(WARM, -1)
      return ["a process was replaced: #{first.keys.inspect} became #{last.keys.inspect}"] if first.keys != last.keys

      first.flat_map { |name, before| BOUNDS.filter_map { |what, bound| grown(name, what, before[what], last[name][what], bound) } }
    end

    # @return [Table]
    def table
      table = Table.new(*HEADINGS)
      @samples.each do |requests, processes|
        processes.each do |name, sample|
          table << [requests, name, *sample.to_a.map { |value| value.is_a?(Float) ? format("%.1f", value) : value.to_s }]
        end
      end
      table
    end

    private

    def grown(name, what, before, after, bound)
      return unless before && after - before > bound

      format("%s: %s grew by %.1f %s, from %.1f to %.1f", name, what, after - before, UNITS[what], before, after)
    end

    # @return [Hash{String => Sample}] by title, without its status, and pid
    def sample(server)
      tree = server.tree
      counts = ask_all(server.target).to_h { |answer| [answer["pid"], answer] }
      tree.nodes.to_h do |node|
        count = counts[node.pid]
        own = count ? [Memory.of(node.pid).private, count["malloc"] / 1024.0, count["objects"], count["pages"]] : [nil] * 4
        kernel = %w[fd task].map { |list| Dir.children("/proc/#{node.pid}/#{list}").size }
        ["#{node.title[/\A[^-]*[^ -]/]} #{node.pid}", Sample.new(node.memory.private, node.memory.pss, *own, *kernel)]
      end
    end

    # Asks every worker at once: who has said 100 waits for the body, so that the next connection is another's.
    def ask_all(target)
      sockets = Array.new(WORKERS) do
        socket = TCPSocket.new(*target.split(":"))
        socket.write("POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        socket.readpartial(100)
        socket
      end
      sockets.each { |socket| socket.write("!") }
      sockets.map { |socket| JSON.parse(socket.read.split("\r\n\r\n", 2).last) }
    ensure
      sockets&.each(&:close)
    end
  end
end
