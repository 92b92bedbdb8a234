# frozen_string_literal: true

require "pitchfork/pitchfork"

module Pitchfork
  # What a mold leaves for those who look at its workers: MoldNotes.look looks at the heap, and `publish` does the rest
  # (ext/pitchfork/src/ruby/mold_notes.rs).
  class MoldNotes
    # The settings that are told, and when they are given. They have the words that a configuration file begins such a line with, so
    # that `pitchfork cow` does not advise what is there.
    SETTINGS = {
      "refork_after" => ->(configuration) { configuration.refork_after },
      "refork_when :sharing" => ->(configuration) { configuration.refork_when == :sharing },
      "allocator" => ->(configuration) { configuration.allocator != :default },
      # What the user has set in the environment wins, so the setting would not be heard.
      "gc free_slots" => ->(configuration) { [configuration.gc.to_h, ENV].any? { |all| all.keys.grep(/HEAP_FREE_SLOTS_\w+_RATIO/).any? } },
      "yjit false" => ->(configuration) { configuration.yjit == false },
      "yjit_until_promotion" => ->(configuration) { configuration.yjit_until_promotion != :all },
      "worker_memory_limit" => ->(configuration) { configuration.worker_memory_limit }
    }.freeze

    # @param configuration [Configuration]
    # @return [Array<String>] of {SETTINGS}
    def self.settings(configuration)
      SETTINGS.select { |_, given| given.(configuration) }.keys
    end
  end
end
