# frozen_string_literal: true

require "support/control_group"
require "support/life"

# A rollout where memory is limited.
class CgroupTest < LifeTest
  WORKERS = 3
  MIB = 1 << 20
  BALLAST = 80 * MIB

  # Each worker has memory for itself, which it gives back when it becomes a mold.
  CONFIG = <<~RUBY
    worker_processes #{WORKERS}
    after_worker_fork { $ballast = "x" * #{BALLAST} }
    after_mold_fork { $ballast = nil }
  RUBY

  def before_setup
    super
    @group = ControlGroup.new("pitchfork-test-#{Process.pid}")
  rescue ControlGroup::Unavailable => e
    @unavailable = e.message
  end

  def after_teardown
    super
    @group&.remove
  end

  # @param room [Integer] bytes that the server may use besides what it uses when all workers are ready
  def life(room:)
    skip("no control group can be made here: #{@unavailable}") if @unavailable
    root = ServerProcess::ROOT
    command = [RbConfig.ruby, "-w", "-I#{root}/lib", "#{root}/exe/pitchfork", "-c", "pitchfork.rb", "config.ru"]
    server = start(app: HOLD, config: CONFIG, command: @group.enter(command))
    @group.limit = @group.used + room
    server
  end

  # @return [Integer] how many workers were there at the most
  def most_workers(server)
    workers = []
    server.log.lines.map do |line|
      case line
      when /worker=\d+ gen=\d+ pid=(\d+) ready/ then workers << $1
      when /worker=\d+ gen=\d+ pid=(\d+) retired/, /pid=(\d+) promoted: .* in place/ then workers.delete($1)
      end
      workers.size
    end.max
  end

  def roll_out(server)
    server.signal(:USR2)
    server.wait_for(/rollout gen=1 done in \S+: #{WORKERS} workers/)
    assert_equal Array.new(WORKERS) { |nr| "pitchfork worker[#{nr}] (gen:1)" }, server.titles.grep(/worker/)
    assert_equal 0, @group.kills
    refute_match(/died of/, server.log)
  end

  def test_without_room_for_an_overlap
    server = life(room: BALLAST / 2)
    roll_out(server)
    assert_equal WORKERS, most_workers(server)
    assert_clean_stop server
  end

  def test_with_room_for_an_overlap
    server = life(room: 4 * BALLAST)
    roll_out(server)
    assert_equal WORKERS + 1, most_workers(server)
    assert_clean_stop server
  end
end
