# frozen_string_literal: true

require "support/cow_examples"
require "support/unit_helper"
require "pitchfork"
require "pitchfork/boot_environment/yjit_flags"
require "pitchfork/configuration"
require "pitchfork/cow/advice"
require "pitchfork/mold_notes"

# The lines of the advice, as they are pasted into the configuration file of the server that they are for.
class CowAdvisedLinesTest < UnitTest
  include CowExamples

  NO_JIT = { jit: { private: 0, shared: 0, unshared: 0, fresh: 0, swap: 0 } }.freeze
  ALL = ["allocator :jemalloc", "gc free_slots: [0.05, 0.10, 0.15]", "mold_preparation collect: true, compact: true",
         "refork_after [100, 1000, 5000]", "refork_after [200, 1000, 5000]", "refork_after [50, 100, 1000]", "refork_when :sharing",
         "worker_memory_limit private: \"22M\"", "yjit false", "yjit_until_promotion :first_worker"].freeze

  # Servers that among them have every trouble there is.
  #
  # @return [Array<Snapshot>]
  def servers(notes)
    sizes = { malloc: [14, 0], method_bodies: [24, 0], ruby_heap: [30, 30], jit: [0, 20] }
    bodies = account(method_bodies: [20, 0]).merge(NO_JIT)
    bloated = [10, 11, 50, 12].each_with_index.map { |mib, n| worker(n, private: mib, regions: account(file: [0, mib])) }
    [four(sizes, generation: 0, notes: notes), four(sizes, notes: notes), snapshot(worker(0, private: 20, regions: bodies), notes: notes),
     four({ malloc: [20, 0] }, notes: notes), snapshot(*bloated, notes: notes), snapshot(notes: notes)]
  end

  def sentences(notes)
    servers(notes).flat_map { |server| Pitchfork::Cow::Advice.of(server) }
  end

  def lines(notes)
    sentences(notes).flat_map(&:settings).uniq.sort
  end

  def text(key, **facts)
    sentences(notes(**facts)).find { |said| said.key == key }.text
  end

  def configuration(*lines)
    Pitchfork::Configuration.new(Pitchfork::Configurator.new.evaluate(lines.join("\n"), "advice.rb"))
  end

  # What refuses a line: the configuration itself, and what is made of it before the boot mold starts.
  def assert_accepted(line)
    Pitchfork::BootEnvironment::YjitFlags.new(configuration(line), {}, [])
  rescue Pitchfork::ConfigurationError => e
    flunk "#{line}: #{e.message}"
  end

  def test_each_line_is_accepted_by_this_ruby
    skip "without YJIT there is nothing to be said of it" unless defined?(RubyVM::YJIT)

    advised = lines(notes(ruby: RUBY_VERSION))
    advised.each { |line| assert_accepted(line) }
    late = Pitchfork::LateYjit.possible? ? [] : ["yjit_until_promotion :first_worker"]
    assert_equal ALL - late, advised, "the servers of this test do not have every trouble"
  end

  def test_what_needs_a_newer_ruby
    %w[3.3.0 3.3.8 3.10.0 4.0.0].each { |ruby| assert_equal ALL, lines(notes(ruby: ruby)), ruby }
    [notes(ruby: "3.2.9"), notes(ruby: "3.1.2"), notes(ruby: nil), nil].each { |old| refute_match(/yjit_until/, lines(old).join("\n")) }
    assert_includes lines(notes(ruby: nil)), "allocator :jemalloc"
  end

  # As the mold writes it down, so it is looked for here.
  def test_nothing_that_is_set
    ALL.each do |line|
      settings = Pitchfork::MoldNotes.settings(configuration(line))
      assert_equal 1, settings.size, line unless line.start_with?("mold_preparation")
      settings.each { |words| assert_empty lines(notes(settings: settings)).grep(/\A#{words}\b/), words }
    end
    refute_empty lines(notes(settings: Pitchfork::MoldNotes::SETTINGS.keys.grep_v(/refork/)))
    assert_equal ["mold_preparation collect: true, compact: true"], lines(notes(settings: Pitchfork::MoldNotes::SETTINGS.keys))
  end

  # A server does not start with both.
  def test_what_contradicts_a_setting
    refute_includes lines(notes(settings: ["yjit_until_promotion"])), "yjit false"
    refute_includes lines(notes(settings: ["yjit false"])), "yjit_until_promotion :first_worker"
  end

  def test_what_is_set_is_said
    assert_match(/ A refork shares it\.\z/, text(:generation_zero))
    assert_match(/shares it\. refork_after is set, and not reached yet, or the log says .*came between\.\z/,
                 text(:generation_zero, settings: ["refork_after"]))
    assert_match(/not reached yet.* refork_when :sharing is set, and has expected too little/,
                 text(:generation_zero, settings: ["refork_when :sharing", "refork_after"]))
    assert_match(/more collections\. Set already: gc free_slots\.\z/, text(:nursery, settings: ["gc free_slots"]))
    assert_match(/gains nothing\. Set already: allocator, yjit false\.\z/, text(:method_bodies, settings: ["yjit false", "allocator"]))
  end

  def test_each_sentence_is_one_line
    (sentences(notes) + sentences(notes(settings: Pitchfork::MoldNotes::SETTINGS.keys))).each do |said|
      assert_equal 1, said.text.lines.size
      assert said.text.end_with?("."), said.text
    end
  end
end
