# frozen_string_literal: true

require "support/life"

# Garbage is collected between requests, in real workers: `out_of_band_gc`, and the time that Pitchfork::Info.gc_time tells.
class OutOfBandGCIntegrationTest < LifeTest
  # Keeps what it makes for a while, so that objects get old and die. Answers what there was within requests, and in all.
  APP = <<~'RUBY'
    require "json"
    cache = {}
    within = Hash.new(0)
    start = nil
    run ->(env) do
      start ||= [GC.stat(:major_gc_count), GC.total_time]
      kinds = %i[minor_gc_count major_gc_count]
      before = kinds.to_h { |name| [name, GC.stat(name)] }
      case env["PATH_INFO"]
      when "/work"
        cache[env["pitchfork.worker"].requests_count] = Array.new(200) { "x" * 8_000 }
        cache.shift if cache.size > 20
      when "/off" then GC.disable
      when "/on" then GC.enable
      when "/start" then GC.start
      end
      kinds.each { |name| within[name] += GC.stat(name) - before[name] }
      time = GC.total_time # before Info, which may be later
      [200, {}, [JSON.generate(
        pid: Process.pid, generation: env["pitchfork.worker"].generation, minor: within[:minor_gc_count], major: within[:major_gc_count],
        all: GC.stat(:major_gc_count) - start.first, time: Pitchfork::Info.gc_time, total: (time - start.last) / 1e9,
        off: GC.disable.tap { |off| GC.enable unless off }
      )]]
    end
  RUBY

  def ask(server, path = "/", times = 1)
    Array.new(times) { JSON.parse(server.get(path).body, symbolize_names: true) }.last
  end

  # Works until there were major collections, wherever.
  def work(server)
    30.times do
      answer = ask(server, "/work", 50)
      return ask(server) if answer[:all] >= 4
    end
    flunk "no major collections: the app does not do what it is for"
  end

  # Before Ruby 3.4, a request may have two collections, of which the first asks for the second.
  def assert_hardly_any(answer)
    none = GC.respond_to?(:config)
    assert_operator answer[:major], :<=, none ? 0 : answer[:all] / 2, "major collections within requests, of #{answer[:all]}"
  end

  def test_without_it_they_are_within_requests
    server = start(app: APP)
    answer = work(server)
    assert_operator answer[:major], :>, 0 # the others began in the server's own part of a request
    assert_operator answer[:time][:within], :>, 10 * answer[:time][:between]
    assert_clean_stop server
  end

  def test_with_it_they_are_between_requests
    server = start(app: APP, config: "out_of_band_gc true")
    answer = work(server)
    assert_hardly_any(answer)
    assert_operator answer[:minor], :>, 0
    assert_operator answer[:time][:between], :>, 0
    assert_clean_stop server
  end

  def test_all_the_time_is_counted
    [true, false].each do |setting|
      server = start(app: APP, config: "out_of_band_gc #{setting}")
      first = ask(server)
      last = ask(server, "/work", 300)
      spent = ->(answer) { answer[:time].values.sum }
      # The app's own first look at the clock is later than the worker's.
      assert_in_delta last[:total] - first[:total], spent.(last) - spent.(first), 0.01
      assert_clean_stop server
    end
  end

  def test_the_app_switches_the_gc_off
    server = start(app: APP, config: "out_of_band_gc true")
    work(server)
    before = ask(server, "/off")
    after = ask(server, "/start") # begins one all the same, so that there is something to look at
    assert after[:off], "it was switched on again"
    assert_equal before[:all] + 1, ask(server, "/work", 20)[:all]
    assert ask(server, "/work")[:off]
    refute ask(server, "/on")[:off]
    assert_clean_stop server
  end

  def test_across_promotions
    %w[in_place fork].each do |how|
      server = start(app: APP, config: "out_of_band_gc true\npromotion :#{how}\n#{full_marks}")
      work(server)
      server.signal(:USR2)
      server.wait_for(/rollout gen=1 done/)
      answer = work(server)
      assert_equal 1, answer[:generation]
      assert_hardly_any(answer)
      assert_equal ["true"], File.readlines(path("marks"), chomp: true).uniq
      assert_clean_stop server
    end
  end

  # Whether majors are allowed while a mold prepares, and in what is forked from it.
  def full_marks
    <<~'RUBY'
      note = lambda do |*|
        allowed = GC.respond_to?(:config) ? GC.config[:rgengc_allow_full_mark] : true
        File.write(File.expand_path("marks"), "#{allowed}\n", mode: "a")
      end
      after_mold_fork(&note)
      after_worker_fork(&note)
    RUBY
  end

  def test_nothing_is_lost_and_the_others_serve_meanwhile
    server = start(app: APP, config: "worker_processes 2\nout_of_band_gc true\nrefork_after [150, 300]")
    answers = Array.new(4) { Thread.new { Array.new(150) { JSON.parse(server.get("/work").body)["pid"] } } }.flat_map(&:value)
    assert_equal 600, answers.size
    assert_clean_stop server
  end

  def test_the_master_knows_the_sum_also_of_those_that_are_gone
    config = <<~'RUBY'
      after_worker_exit { |server, *| record(:exit, **server.counters.slice(:gc_seconds_within, :gc_seconds_between)) }
    RUBY
    server = start(app: APP, config: "#{RECORD}#{config}")
    spent = 2.times.map do
      time = ask(server, "/work", 300)[:time]
      worker = server.process("pitchfork worker").pid
      server.signal(:TERM, to: worker)
      server.wait_for(/worker=0 gen=0 pid=\d+ ready/)
      time
    end
    assert_clean_stop server
    sums = recorded(:exit).map { |line| line[:gc_seconds_within] }
    assert_operator sums[0], :>=, spent[0][:within] - 0.001
    assert_operator sums[1], :>=, spent.sum { |time| time[:within] } - 0.001
  end

  def test_outside_of_workers
    server = start(app: APP, config: "#{RECORD}after_mold_fork { record(:mold, **Pitchfork::Info.gc_time) }")
    ask(server, "/work", 100)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done/)
    assert_equal([[0.0, 0.0]] * 2, recorded(:mold).map { |line| line.values_at(:within, :between) })
    assert_clean_stop server
  end
end
