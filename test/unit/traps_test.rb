# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/traps"

class TrapsTest < UnitTest
  # Says what each signal means before, meanwhile and afterwards; `:ours` if a block of ours is called.
  SCRIPT = <<~'RUBY'
    require "pitchfork/traps"
    shown = lambda { |signal| handler = trap(signal, "DEFAULT"); trap(signal, handler || "DEFAULT"); handler.is_a?(Proc) ? "ours" : handler }
    come = []
    signals = %w[HUP INT USR1]
    puts signals.map(&shown).join(" ")
    Pitchfork::Traps.during(signals, ->(signal) { come << signal }) do
      puts signals.map(&shown).join(" ")
      signals.each { |signal| Process.kill(signal, Process.pid) }
      sleep(0.001) until come.include?("USR1")
      puts come.sort.join(" ")
    end
    puts signals.map(&shown).join(" ")
  RUBY

  # @param ignored [Array<String>] what a process like nohup(1) has switched off before
  def lines(*ignored)
    write("script.rb", SCRIPT)
    starter = "#{ignored.map { |signal| "trap(#{signal.dump}, 'IGNORE'); " }.join}exec(*ARGV)"
    out, error, status = ruby("-e", starter, "--", RbConfig.ruby, "-w", "-I#{ROOT}/lib", "script.rb")
    assert_equal ["", 0], [error, status]
    out.lines(chomp: true)
  end

  def test_signals_mean_something_else_for_a_while
    before, meanwhile, come, after = lines
    assert_equal ["ours ours ours", "HUP INT USR1"], [meanwhile, come]
    assert_equal before, after
  end

  def test_a_hup_that_was_switched_off_stays_so
    assert_equal "IGNORE", lines("HUP").first.split.first
    assert_equal ["IGNORE ours ours", "INT USR1"], lines("HUP")[1, 2]
    assert_match(/\AIGNORE /, lines("HUP").last)
  end

  def test_any_other_is_heard_though_it_was_ignored
    before, meanwhile, come, after = lines("INT", "USR1")
    assert_equal ["ours ours ours", "HUP INT USR1"], [meanwhile, come]
    assert_equal before, after
    assert_match(/ IGNORE IGNORE\z/, after)
  end

  def test_what_goes_wrong_meanwhile_is_passed_on
    old = trap("USR1") { nil }
    assert_raises(KeyError) { Pitchfork::Traps.during(["USR1"], ->(_) {}) { raise KeyError } }
    refute_nil trap("USR1", old || "DEFAULT")
  end
end
