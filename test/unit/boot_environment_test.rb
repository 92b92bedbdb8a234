# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configuration"
require "pitchfork/boot_environment"

class BootEnvironmentUnitTest < UnitTest
  def configuration(source, **options)
    Pitchfork::Configuration.new(Pitchfork::Configurator.new.evaluate(source, "pitchfork.rb"), **options)
  end

  def environment(source, given = {}, flags = [])
    Pitchfork::BootEnvironment.new(configuration(source), given, flags)
  end

  def test_nothing_is_added_unasked
    made = environment("", { "HOME" => "/" })
    assert_equal [{}, [], []], [made.variables, made.flags, made.remarks]
  end

  def test_variables
    made = environment("gc growth_factor: 1.1; malloc_arena_max 2", { "HOME" => "/" })
    assert_equal({ "RUBY_GC_HEAP_GROWTH_FACTOR" => "1.1", "MALLOC_ARENA_MAX" => "2" }, made.variables)
    assert_equal [[:info, "the boot mold starts with RUBY_GC_HEAP_GROWTH_FACTOR=1.1 MALLOC_ARENA_MAX=2"]], made.remarks
  end

  # Not even looked for: the library need not be there.
  def test_what_the_user_has_set_stays
    made = environment(
      "gc growth_factor: 1.1, malloc_limit: 1; malloc_arena_max 2; allocator '/no/such/library.so'",
      { "LD_PRELOAD" => "", "MALLOC_ARENA_MAX" => "9", "RUBY_GC_HEAP_GROWTH_FACTOR" => "1.5" }
    )
    assert_equal({ "RUBY_GC_MALLOC_LIMIT" => "1" }, made.variables)
    assert_includes made.remarks, [:info, "set by the user, and left as it is: RUBY_GC_HEAP_GROWTH_FACTOR (gc), " \
                                          "MALLOC_ARENA_MAX (malloc_arena_max), LD_PRELOAD (allocator)"]
  end

  # Only where the allocator is in there.
  def test_an_allocator_that_the_users_preload_keeps_out
    users = "/usr/lib/faketime/libfaketime.so.1"
    made = environment("allocator '/no/such/library.so'", { "LD_PRELOAD" => users })
    assert_empty made.variables
    assert_includes made.remarks, [:warn, "allocator \"/no/such/library.so\" has no effect: LD_PRELOAD=#{users} is set by the user; " \
                                          "add /no/such/library.so to it, or unset it"]
    made = environment("allocator '/no/such/library.so'", { "LD_PRELOAD" => "#{users}:/no/such/library.so" })
    assert_equal [[:info, "set by the user, and left as it is: LD_PRELOAD (allocator)"]], made.remarks
  end

  # As glibc has it: a list between colons, with other tunables.
  def test_arenas_by_the_users_tunables
    ["glibc.malloc.arena_max=4", "glibc.malloc.check=1:glibc.malloc.arena_max=4"].each do |tunables|
      made = environment("malloc_arena_max 2", { "GLIBC_TUNABLES" => tunables })
      assert_equal [{}, [[:info, "set by the user, and left as it is: GLIBC_TUNABLES (malloc_arena_max)"]]], [made.variables, made.remarks]
    end
    ["glibc.malloc.arena_test=4", "my.glibc.malloc.arena_max=4", ""].each do |tunables|
      assert_equal({ "MALLOC_ARENA_MAX" => "2" }, environment("malloc_arena_max 2", { "GLIBC_TUNABLES" => tunables }).variables)
    end
  end

  def test_flags
    skip "this Ruby was built without YJIT" unless defined?(RubyVM::YJIT)
    made = environment("yjit call_threshold: 2", {}, %w[--yjit-call-threshold=9])
    assert_equal ["--yjit"], made.flags
    assert_equal ["the boot mold starts with --yjit", "set by the user, and left as it is: --yjit-call-threshold (yjit)"],
                 made.remarks.map(&:last)
  end

  def test_an_allocator_that_is_not_there
    assert_message("allocator: /no/such/library.so: no such file") { environment("allocator '/no/such/library.so'") }
  end

  def test_what_has_no_effect_without_an_execution
    assert_nil Pitchfork::BootEnvironment.unused(configuration("worker_processes 2"))
    assert_equal "allocator, gc: without effect, for the app is only an object in memory, and the Ruby that holds it was " \
                 "started long ago; start the server with `bundle exec pitchfork`",
                 Pitchfork::BootEnvironment.unused(configuration("gc growth_factor: 1.1; allocator :jemalloc"))
  end
end
