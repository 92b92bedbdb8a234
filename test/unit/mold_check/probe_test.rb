# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork"

# A process forked to try what workers will do, and what is said when it fails.
class ProbeTest < UnitTest
  Chores = Pitchfork::MoldCheck::Chores
  Probe = Pitchfork::MoldCheck::Probe

  # Has one of the chores done in another way.
  def replacing(chore, replacement)
    original = Chores.method(chore)
    Chores.singleton_class.alias_method(chore, chore) # so that Ruby does not warn about the redefinition
    Chores.define_singleton_method(chore, &replacement)
    yield
  ensure
    Chores.singleton_class.alias_method(chore, chore)
    Chores.define_singleton_method(chore, original)
  end

  def complaint(seconds = 20.0)
    Probe.new(seconds).complaint
  end

  def assert_reaped
    assert_raises(Errno::ECHILD) { Process.wait(-1, Process::WNOHANG) }
  end

  def test_all_is_well
    assert_nil complaint
    assert_reaped
  end

  # R6: the mold is prepared by then. Inline caches are objects, too, and made the first time.
  def test_it_allocates_nothing_where_it_is_forked
    code = <<~RUBY
      allocated = ->(*) do
        probe = Pitchfork::MoldCheck::Probe.new(20.0)
        before = GC.stat(:total_allocated_objects)
        probe.complaint
        GC.stat(:total_allocated_objects) - before
      end
      p Array.new(4, &allocated).drop(2)
    RUBY
    assert_equal "[0, 0]\n", ruby("-rpitchfork", "-e", code).first
  end

  def test_a_step_that_raises
    replacing(:fill, -> { raise IOError, "no\xff memory" }) do
      assert_match(/\Aa process forked from it failed at allocation: IOError: no. memory; look for a library/, complaint)
    end
    assert_reaped
  end

  def test_a_step_that_hangs
    replacing(:resolve, -> { sleep }) do
      assert_match(/\Aa process forked from it hung at getaddrinfo for 0\.2s and was killed; look for/, complaint(0.2))
    end
    assert_reaped
  end

  def test_a_step_that_crashes
    replacing(:collect, -> { Process.kill(:KILL, Process.pid) }) do
      assert_match(/\Aa process forked from it ended at GC \(SIGKILL \(signal 9\)\); look for/, complaint)
    end
    assert_reaped
  end

  def test_a_subprocess_that_fails
    replacing(:run, -> { raise Errno::EAGAIN }) do
      assert_match(/failed at subprocess: Errno::EAGAIN: Resource temporarily unavailable;/, complaint)
    end
  end

  def test_the_app_hears_nothing_of_its_end
    code = <<~RUBY
      master = Process.pid
      at_exit { puts "at_exit in the same process: \#{Process.pid == master}" }
      p Pitchfork::MoldCheck::Probe.new(20.0).complaint
    RUBY
    assert_equal ["nil\nat_exit in the same process: true\n", "", 0], ruby("-rpitchfork", "-e", code)
  end

  # A hook that raises in the child must not continue as a second mold.
  def test_a_fork_hook_that_raises
    code = <<~RUBY
      Process.singleton_class.prepend(Module.new { def _fork = super.tap { |pid| raise "in the child" if pid.zero? } })
      puts Pitchfork::MoldCheck::Probe.new(20.0).complaint
    RUBY
    out, err, status = ruby("-rpitchfork", "-e", code)
    assert_match(/\Aa process forked from it failed at the fork: RuntimeError: in the child; .*\n\z/, out)
    assert_equal ["", 0], [err, status]
  end

  def test_no_process_to_be_had
    code = <<~RUBY
      Process.singleton_class.prepend(Module.new { def _fork = raise(Errno::EAGAIN) })
      puts Pitchfork::MoldCheck::Probe.new(20.0).complaint
    RUBY
    assert_equal "no process could be forked from it: Resource temporarily unavailable\n", ruby("-rpitchfork", "-e", code).first
  end
end
