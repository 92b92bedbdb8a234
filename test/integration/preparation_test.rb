# frozen_string_literal: true

require "support/life"
require "pitchfork/memory"

# What a mold does to its memory before it is forked from, and what it leaves in writing about that.
class PreparationTest < LifeTest
  # Process.warmup collects when it compacts.
  ALL = Process.respond_to?(:warmup) ? %w[compact trim seal] : %w[collect compact trim seal]
  # Sealing takes nothing and gives nothing.
  MEASURED = ALL - %w[seal]
  STEP = /(?:(seal)|(\w+) \d+\.\d{3}s [-+]\d+\.\d MiB)/

  def notes(pid)
    text = Pitchfork::Memory.notes(pid)
    text && Pitchfork::Memory::Notes.parse(text)
  end

  def worker(server)
    server.process("pitchfork worker[0]").pid
  end

  def mold(server)
    server.process("pitchfork mold").pid
  end

  def refork(server, generation)
    server.signal(:USR2)
    server.wait_for(/rollout gen=#{generation} done/)
  end

  # @return [Array<String>] the steps that the log names, of each mold in turn
  def steps_taken(config)
    server = start(app: HOLD, config: "refork_max_unavailable 1\n#{config}")
    refork(server, 1)
    assert_clean_stop server
    server.log.scan(/mold gen=(\d) pid=\d+ prepared in \d+\.\d{3}s: (.+)$/).map do |generation, steps|
      [generation, steps.split(", ").map { |step| step.match(/\A#{STEP}\z/).captures.compact.first }]
    end
  end

  def test_each_step_is_in_the_log
    assert_equal [["0", ALL], ["1", ALL]], steps_taken("")
  end

  def test_each_step_can_be_switched_off
    assert_equal %w[compact trim seal], steps_taken("mold_preparation collect: false").last.last
    assert_equal %w[collect trim seal], steps_taken("mold_preparation compact: false").last.last
    assert_equal ALL - %w[trim seal], steps_taken("mold_preparation trim: false, seal: false").last.last
    assert_equal [%w[seal]] * 2, steps_taken("mold_preparation collect: false, compact: false, trim: false").map(&:last)
    assert_empty steps_taken("mold_preparation false")
  end

  def test_a_mold_that_is_not_sealed_collects
    off = "GC.disable.tap { |off| GC.enable unless off }"
    config = "mold_preparation seal: false\nbefore_fork { record(:off, mold: #{off}) }\nafter_worker_fork { record(:off, worker: #{off}) }"
    server = start(app: HOLD, config: "#{RECORD}#{config}")
    assert_equal([{ mold: false }, { worker: false }], recorded(:off).map { |line| line.slice(:mold, :worker) })
    assert_clean_stop server
  end

  def test_the_notes
    server = start(app: HOLD, config: "worker_processes 2\nrefork_max_unavailable 1")
    started = Time.now.to_i
    [0, 1, 2].each do |generation|
      refork(server, generation) if generation.positive?
      own = notes(mold(server))
      assert_equal [generation, mold(server)], [own.generation, own.pid]
      assert_in_delta started, own.prepared, 30
      private, pss = own.before
      assert_operator private, :>, 0
      assert_operator pss, :>, [private, 1_000_000].max
      assert_equal(MEASURED, own.steps.map { |step| step[:name] })
      assert_equal Pitchfork::Memory.notes(mold(server)), Pitchfork::Memory.notes(worker(server))
      assert_equal(1, server.tree.drop(1).map { |node| descriptors(node.pid) }.uniq.flatten.size)
    end
    assert_nil notes(server.pid)
    assert_clean_stop server
  end

  # @return [Array<String>] links of the descriptors of notes
  def descriptors(pid)
    Dir["/proc/#{pid}/fd/*"].filter_map { |path| File.readlink(path) if File.readlink(path).include?("pitchfork notes") }
  end

  def test_notes_of_an_unprepared_mold
    server = start(app: HOLD, config: "mold_preparation false")
    assert_empty notes(mold(server)).steps
    refute_empty notes(mold(server)).had
    assert_clean_stop server
  end

  # The one that the worker had served last, before it was promoted.
  def test_no_request_is_inherited
    app = <<~'RUBY'
      Ballast = Class.new
      run ->(env) do
        inherited = ObjectSpace.each_object(Ballast).count
        env["ballast"] = Array.new(1_000) { Ballast.new }
        [200, {}, [inherited.to_s]]
      end
    RUBY
    server = start(app: app, config: "worker_processes 2\nrefork_max_unavailable 1")
    3.times { server.get }
    refork(server, 1)
    assert_match(/promoted: mold gen=1 pid=\d+ in place/, server.log)
    # A word that is left on the stack may keep one alive.
    assert_operator Integer(server.get.body), :<, 10
    assert_clean_stop server
  end

  # An app may close all that it does not know. The number is another file's then, and stays so.
  def test_notes_that_somebody_has_closed
    app = <<~'RUBY'
      File.singleton_class.attr_accessor :mine
      run ->(env) do
        notes = Dir["/proc/self/fd/*"].find { |path| File.symlink?(path) && File.readlink(path).include?("pitchfork notes") }
        if notes && env["PATH_INFO"] == "/close"
          number = Integer(File.basename(notes))
          IO.for_fd(number).close
          others = []
          others << File.open(__FILE__) until others.last&.fileno == number
          File.mine = others.last
        end
        [200, {}, [File.mine ? "#{File.mine.stat.ino == File.stat(__FILE__).ino}" : "none"]]
      end
    RUBY
    server = start(app: app, config: "promotion :in_place\nworker_processes 1\nrefork_max_unavailable 1")
    assert_equal "true", server.get("/close").body
    refork(server, 1)
    assert_equal 1, notes(worker(server)).generation
    assert_equal [1, 1], server.tree.grep_v(/master/).drop(1).map { |node| descriptors(node.pid).size }.first(2)
    assert_equal "true", server.get.body
    assert_clean_stop server
  end
end
