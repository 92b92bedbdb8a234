# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork"
require "pitchfork/configuration"
require "pitchfork/mold_notes"

# Which settings a mold writes down. What else it does: test/integration/mold_notes_test.rb.
class MoldNotesSettingsTest < UnitTest
  def settings(*lines)
    Pitchfork::MoldNotes.settings(Pitchfork::Configuration.new(Pitchfork::Configurator.new.evaluate(lines.join("\n"), "x.rb")))
  end

  def test_what_was_not_set
    assert_empty settings
    assert_empty settings("refork_after false", "refork_when :requests", "allocator :default", "gc growth_factor: 1.1", "yjit true",
                          "yjit_until_promotion :all")
  end

  def test_all_of_them
    given = ["refork_after [100000]", "refork_when :sharing", "allocator :jemalloc", "gc free_slots: [0.1, 0.2, 0.3]", "yjit false",
             "worker_memory_limit private: \"1G\""]
    assert_equal Pitchfork::MoldNotes::SETTINGS.keys - ["yjit_until_promotion"], settings(*given)
    assert_equal ["yjit_until_promotion"], settings("yjit_until_promotion :first_worker")
  end

  # Ruby reads it, and the setting would not be heard beside it.
  def test_free_slots_from_the_environment
    ENV["RUBY_GC_HEAP_FREE_SLOTS_GOAL_RATIO"] = "0.2"
    assert_equal ["gc free_slots"], settings
  end
end
