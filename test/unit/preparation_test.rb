# frozen_string_literal: true

require "support/unit_helper"
require "json"

# What a preparation says about itself. In a process of its own, whose heap it compacts.
class PreparationUnitTest < UnitTest
  # @return [Hash] what a process that prepares itself has found out; its memory grows by 1,000 bytes from look to look
  def prepare(wanted)
    out, said, status = ruby("-rjson", "-e", <<~RUBY)
      require "pitchfork/mold_notes"
      require "pitchfork/preparation"
      looks = 0
      rollup = ->(_) { looks += 1; { private: 10, pss: 20, anonymous: 1000 * looks } }
      Pitchfork::Memory.singleton_class.prepend(Module.new { define_method(:rollup, &rollup) })
      preparation = Pitchfork::Preparation.new(#{wanted.inspect}).call
      GC.enable
      puts JSON.generate(looks: looks, before: preparation.before, told: preparation.to_s,
                         steps: preparation.steps.map { |step| [step.name, step.change] })
    RUBY
    assert_equal [0, ""], [status, said]
    JSON.parse(out, symbolize_names: true)
  end

  # A look takes the kernel long, and a worker that is promoted in place is missing meanwhile.
  def test_memory_is_read_once_before_and_once_after_each_step
    prepared = prepare(%i[collect trim seal])
    assert_equal [["collect", 1000], ["trim", 1000]], prepared[:steps]
    assert_equal [3, [10, 20]], prepared.values_at(:looks, :before)
  end

  def test_seal_is_told_without_figures
    assert_match(/\A\d\.\d{3}s: trim \d\.\d{3}s \+0\.0 MiB, seal\z/, prepare(%i[trim seal])[:told])
    assert_match(/\A\d\.\d{3}s: trim \d\.\d{3}s \+0\.0 MiB\z/, prepare(%i[trim])[:told])
    assert_equal "0.000s: seal", prepare(%i[seal])[:told]
  end

  def test_a_kernel_that_does_not_say
    out, said, = ruby("-e", <<~RUBY)
      require "pitchfork/mold_notes"
      require "pitchfork/preparation"
      Pitchfork::Memory.singleton_class.prepend(Module.new { def rollup(_) = raise(Errno::ENOENT) })
      preparation = Pitchfork::Preparation.new(%i[trim]).call
      p preparation.before, preparation.steps.map(&:change)
    RUBY
    assert_equal ["nil\n[0]\n", ""], [out, said]
  end
end
