# frozen_string_literal: true

# What reforking promises, asked of a real server.
RSpec.describe "Reforking", :server do
  # A request to /warm does what warms an application up. A response says whose it is, which process served the first
  # request of its line of ancestors, and how many methods YJIT has compiled.
  let(:application) { <<~RUBY }
    require "#{__dir__}/support/application"

    methods = Application.methods(4_000)
    models = Array.new(20_000) { Application::Model.new }
    compiled = -> { defined?(RubyVM::YJIT) && RubyVM::YJIT.enabled? ? RubyVM::YJIT.runtime_stats.fetch(:compiled_iseq_count) : 0 }

    run(lambda do |env|
      @origin ||= Process.pid
      [methods.each(&:call), models.each(&:label)] if env["PATH_INFO"] == "/warm"
      [200, { "content-type" => "text/plain" }, [[Process.pid, env["pitchfork.worker"].generation, @origin, compiled.call].join(" ")]]
    end)
  RUBY

  # A worker begins with the count of objects that its mold had when it forked.
  let(:count_objects) { <<~'RUBY' }
    after_worker_fork do |server, worker|
      objects = GC.stat(:total_allocated_objects)
      server.logger.info("worker=#{worker.nr} begins with #{objects} objects")
    end
  RUBY

  let(:second) { Struct.new(:pages, :objects) }
  let(:answer) { Struct.new(:pid, :generation, :origin, :compiled) }

  # Enough for YJIT to compile a method: it does so when the method has been called 30 times.
  let(:requests) { 40 }

  let(:yjit?) { defined?(RubyVM::YJIT) && RUBY_VERSION >= "3.3" }

  def start_reforking(config)
    start(app: application, config: config, ruby: yjit? ? ["--yjit"] : [])
  end

  # @return [answer]
  def ask(server, path = "/")
    response = server.get(path)
    expect(response.code).to eq("200")
    answer.new(*response.body.split.map { |number| Integer(number) })
  end

  # @return [answer] the last one
  def warm(server)
    Array.new(requests) { ask(server, "/warm") }.last
  end

  def refork(server, generation)
    server.signal(:USR2)
    server.wait_for(/rollout gen=#{generation} done/)
  end

  # @return [Integer] pages that no other process has
  def private_pages(pid)
    Pagemap.of(pid).exclusive.size
  end

  it "keeps every process a child of the master, whoever forked it" do
    server = start_reforking("worker_processes 2")
    expect(server.tree.drop(1).map(&:ppid)).to all(eq(server.pid))
    refork(server, 1)
    expect(server.titles).to eq(
      ["pitchfork master", "pitchfork mold (gen:1)", "pitchfork worker[0] (gen:1)", "pitchfork worker[1] (gen:1)"]
    )
    expect(server.tree.drop(1).map(&:ppid)).to all(eq(server.pid))
  end

  it "hands on what the promoted worker had built: a worker's first request finds the memo set and the code compiled" do
    server = start_reforking("worker_processes 1")
    warmed = warm(server)
    refork(server, 1)
    heir = ask(server, "/warm")
    expect([warmed.generation, heir.generation]).to eq([0, 1])
    expect(heir.pid).not_to eq(warmed.pid)
    expect(heir.origin).to eq(warmed.pid)
    next unless yjit?

    late = heir.compiled - warmed.compiled
    report("#{count(warmed.compiled)} methods compiled in generation 0, #{late} more by the first request in generation 1")
    expect(warmed.compiled).to be > 4_000
    # A few of the server's own methods, and Ruby's, are called for the 30th time during the refork.
    expect(late).to be < 100
  end

  it "shares it: the same requests cost a worker of generation 1 far less memory of its own" do
    server = start_reforking("worker_processes 1")
    own = Array.new(3) do |generation|
      refork(server, generation) if generation.positive?
      worker = warm(server)
      expect(worker.generation).to eq(generation)
      private_pages(worker.pid)
    end
    report("private after #{requests} requests: #{own.map { |pages| count(pages) }.join(", ")} pages in generations 0, 1, 2")
    expect(own.first).to be > 1_000
    # What is left is the state of the process, and of its requests.
    expect(own.drop(1)).to all(be < own.first / 4)
  end

  it "lets a worker that is forked late share as much as the first: a mold that waits and forks leaves its pages as they are" do
    server = start_reforking("worker_processes 1\n#{count_objects}")
    warm(server)
    refork(server, 1)
    first = server.process("pitchfork worker[0]").pid
    at_first = private_pages(first)
    late = Array.new(20) { replace_second_worker(server) }.last
    at_last = private_pages(first)
    report("private pages of the first worker: #{at_first}, after 20 more forks: #{at_last}; of the last worker: #{late.pages}")
    # A page that the mold wrote to would be the first worker's own now.
    expect(at_last - at_first).to be < 50
    expect(late.pages - at_first).to be < 50
  end

  it "has a mold that allocates nothing between its forks" do
    server = start_reforking("worker_processes 1\n#{count_objects}")
    # Its own code is run for the first time by the first fork.
    objects = Array.new(10) { replace_second_worker(server).objects }
    report("objects allocated by the mold as it forked 9 workers: #{objects.last - objects.first}")
    expect(objects.uniq.size).to eq(1)
  end

  # Has worker 1 forked and retired.
  #
  # @return [Struct] its private pages, and the objects that the mold had allocated
  def replace_second_worker(server)
    server.signal(:TTIN)
    objects = Integer(server.wait_for(/worker=1 begins with (\d+) objects/)[1])
    pid = Integer(server.wait_for(/worker=1 gen=\d+ pid=(\d+) ready/)[1])
    second.new(private_pages(pid), objects)
  ensure
    server.signal(:TTOU)
    server.wait_for(/worker=1 .* retired/)
  end

  it "never has fewer workers than configured when refork_max_unavailable is 0" do
    server = start_reforking("worker_processes 3\nrefork_max_unavailable 0")
    3.times { |generation| refork(server, generation + 1) }
    serving = 0
    counts = server.log.lines.filter_map do |line|
      case line
      when /worker=\d+ gen=\d+ pid=\d+ ready/ then serving += 1
      when /worker=\d+ .* (retired|died|in place)/ then serving -= 1
      end
    end
    report("workers ready over 3 reforks: #{counts.join(" ")}")
    expect(counts.drop(2)).to all(be >= 3)
    expect(counts.last).to eq(3)
  end

  it "loses no request" do
    server = start_reforking("worker_processes 2")
    answers = Queue.new
    clients = Array.new(4) { Thread.new { loop { answers << code_or_error(server) } } }
    codes = (1..3).flat_map do |generation|
      early = Array.new(100) { answers.pop }
      refork(server, generation)
      early + Array.new(answers.size) { answers.pop }
    end
    report("requests before and during 3 reforks: #{codes.tally.map { |code, times| "#{count(times)} x #{code}" }.join(", ")}")
    expect(codes.uniq).to eq(["200"])
  ensure
    clients&.each(&:kill)&.each(&:join)
  end

  # @return [String]
  def code_or_error(server)
    server.get.code
  rescue SystemCallError, IOError, Timeout::Error => e
    e.message
  end
end
