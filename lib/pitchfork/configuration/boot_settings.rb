# frozen_string_literal: true

require "pitchfork/configuration/gc_variables"
require "pitchfork/configuration/yjit_options"

module Pitchfork
  class Configuration
    # The settings that a Ruby only takes when it starts. The boot mold, which is executed, starts with them, see
    # {BootEnvironment}; what the user has set in his environment or on Ruby's command line wins.
    BOOT_SETTINGS = [
      Setting.new(
        :allocator, syntax: "allocator which", default: :default,
        check: Check.new(":default, :jemalloc or the path of a library") do |value|
          %i[default jemalloc].include?(value) || (value.is_a?(String) && value.start_with?("/"))
        end,
        doc: "Which malloc molds and workers use. `:jemalloc` is looked for where distributions install it, and the server does " \
             "not start without it; a version before 5.3 is used with a warning, for it may hang in a fork."
      ),
      Setting.new(
        :malloc_arena_max, syntax: "malloc_arena_max n", check: Check.integer(1..1024).or_nil, shown_default: "glibc's own",
        doc: "`MALLOC_ARENA_MAX`: how many heaps glibc's malloc makes for threads. Means nothing to other allocators."
      ),
      Setting.new(
        :gc, syntax: "gc free_slots: [min, goal, max], **others", check: GcVariables, shown_default: "Ruby's own",
        doc: "What Ruby's collector reads from the environment: `free_slots` are `RUBY_GC_HEAP_FREE_SLOTS_MIN_RATIO`, `_GOAL_RATIO` " \
             "and `_MAX_RATIO`, and `growth_factor: 1.1` is `RUBY_GC_HEAP_GROWTH_FACTOR`; so for every such variable that this " \
             "Ruby has."
      ),
      Setting.new(
        :yjit, syntax: "yjit true, false or **options", check: YjitOptions, shown_default: "as the server's own Ruby",
        doc: "YJIT, and its `call_threshold`, `cold_threshold` (Ruby 3.3), `exec_mem_size` and `mem_size` (Ruby 3.4, both in MiB). " \
             "They are flags of the boot mold's Ruby, so no program that the app starts inherits them."
      ),
      Setting.new(
        :yjit_until_promotion, syntax: "yjit_until_promotion who", check: Check.one_of(:all, :first_worker), default: :all,
        doc: "Who compiles before the first refork. `:first_worker` (Ruby 3.3): worker 0 only, which is the one to be promoted " \
             "then, so that nobody compiles what all others will get from it. Has YJIT on unless `yjit` says otherwise."
      ),
      Setting.new(
        :yjit_others_after, syntax: "yjit_until_promotion :first_worker, others_after: seconds", check: Check.seconds, default: 300,
        doc: "... and when a worker that has waited for a refork for so long compiles for itself."
      )
    ].freeze
  end
end
