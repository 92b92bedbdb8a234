# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/out_of_band_gc"

# The adapters against a GC that does what it is told and writes down what that was. The one for Ruby 3.4 is tested nowhere else.
class OutOfBandGCTest < UnitTest
  class FakeGC
    attr_reader :calls, :info, :stats
    attr_accessor :off

    def initialize(info: {}, stats: {})
      @info = info
      @stats = { old_objects: 1, old_objects_limit: 2, remembered_wb_unprotected_objects: 1,
                 remembered_wb_unprotected_objects_limit: 2, oldmalloc_increase_bytes: 90, oldmalloc_increase_bytes_limit: 100,
                 **stats }
      @off = false
      @calls = []
    end

    def latest_gc_info(key = nil)
      key ? info.fetch(key) : info
    end

    def stat(key)
      stats.fetch(key)
    end

    def disable
      calls << :finish
      off.tap { self.off = true }
    end

    def enable
      off.tap { self.off = false }
    end

    def start
      calls << :major
      info[:need_major_by] = nil if info.key?(:need_major_by)
    end
  end

  # Of Ruby 3.4.
  class ConfigurableGC < FakeGC
    def initialize(**)
      super
      @config = { rgengc_allow_full_mark: true, implementation: "default" }
    end

    def config(changes = nil)
      return @config.dup unless changes

      calls << changes
      @config.update(changes)
    end
  end

  def adapter(gc)
    Pitchfork::OutOfBandGC.adapter(gc)
  end

  def kind(gc)
    adapter(gc).class.name.split("::").last
  end

  def test_one_for_each_ruby
    newer = { need_major_by: nil }
    kinds = [FakeGC.new(info: { major_by: nil }), FakeGC.new(info: newer), ConfigurableGC.new(info: newer)]
    assert_equal(%w[Ruby31 BestEffort Ruby34], kinds.map { |gc| kind(gc) })
  end

  def test_another_gc_that_has_a_configuration
    gc = ConfigurableGC.new(info: { need_major_by: nil })
    gc.config.then { |config| gc.define_singleton_method(:config) { config.except(:rgengc_allow_full_mark) } }
    assert_instance_of Pitchfork::OutOfBandGC::BestEffort, adapter(gc)
  end

  def test_the_one_of_this_ruby
    since = { "3.4" => "Ruby34", "3.2" => "BestEffort", "0" => "Ruby31" }
    expected = since.find { |version, _| Gem::Version.new(RUBY_VERSION) >= Gem::Version.new(version) }.last
    assert_equal expected, kind(GC)
  end

  def test_a_collection_under_way_is_finished_and_no_other_begun
    gc = FakeGC.new(info: { need_major_by: nil })
    adapter(gc).collect(false)
    assert_equal [:finish], gc.calls
    refute gc.off
  end

  def test_a_major_one_that_is_due
    gc = FakeGC.new(info: { need_major_by: :oldgen })
    adapter(gc).tap { |adapter| 2.times { adapter.collect(false) } }
    assert_equal %i[finish major finish], gc.calls
  end

  # On these it would come within the next request.
  def test_before_ruby_3_4_it_does_not_wait_for_the_refork
    gc = FakeGC.new(info: { need_major_by: :oldgen })
    adapter(gc).collect(true)
    assert_equal %i[finish major], gc.calls
  end

  def test_the_app_has_switched_the_gc_off
    [FakeGC, ConfigurableGC].each do |kind|
      gc = kind.new(info: { need_major_by: :oldgen })
      adapter = adapter(gc)
      adapter.begin
      gc.off = true
      adapter.collect(false)
      assert gc.off
      refute_includes gc.calls, :major
    end
  end

  def test_ruby_3_1_is_watched
    signs = { old_objects: 3, remembered_wb_unprotected_objects: 3, oldmalloc_increase_bytes: 101, oldmalloc_increase_bytes_limit: 120 }
    signs.each do |name, value|
      gc = FakeGC.new(info: { major_by: nil })
      adapter = adapter(gc)
      adapter.begin
      adapter.collect(false)
      gc.stats[name] = value
      adapter.collect(false)
      assert_equal %i[finish finish major], gc.calls, name
    end
  end

  # The limit was raised by a minor collection; the major one that it asked for was in the same request.
  def test_ruby_3_1_has_done_it_already
    gc = FakeGC.new(info: { major_by: :oldmalloc })
    adapter = adapter(gc)
    adapter.begin
    gc.stats[:oldmalloc_increase_bytes_limit] = 120
    adapter.collect(false)
    gc.info[:major_by] = nil
    adapter.collect(false)
    assert_equal %i[finish finish], gc.calls
  end

  def test_ruby_3_4_has_none_within_requests
    gc = ConfigurableGC.new(info: { need_major_by: :oldgen })
    adapter = adapter(gc)
    adapter.begin
    refute gc.config[:rgengc_allow_full_mark]
    adapter.collect(false)
    refute gc.config[:rgengc_allow_full_mark]
    adapter.end
    assert gc.config[:rgengc_allow_full_mark]
    assert_equal [{ rgengc_allow_full_mark: false }, :finish, :major, { rgengc_allow_full_mark: true }], gc.calls
  end

  def test_ruby_3_4_leaves_it_to_the_refork
    gc = ConfigurableGC.new(info: { need_major_by: :oldgen })
    adapter = adapter(gc)
    adapter.begin
    adapter.collect(true)
    refute_includes gc.calls, :major
    adapter.collect(false)
    assert_includes gc.calls, :major
  end

  def test_ruby_3_4_when_the_app_does_it_itself
    gc = ConfigurableGC.new(info: { need_major_by: :oldgen })
    gc.config(rgengc_allow_full_mark: false)
    adapter = adapter(gc)
    adapter.begin
    adapter.collect(false)
    adapter.end
    refute gc.config[:rgengc_allow_full_mark]
    refute_includes gc.calls, :major
  end

  def test_the_real_one_when_no_major_one_is_due
    GC.start
    before = GC.stat(:major_gc_count)
    adapter = adapter(GC)
    adapter.begin
    adapter.collect(false)
    assert_equal [before, false], [GC.stat(:major_gc_count), GC.enable]
  ensure
    adapter&.end
  end
end
