# frozen_string_literal: true

require "etc"

module Pitchfork
  module Cow
    module Who
      # Samples, added up by what has become of the memory, and then by who it was.
      #
      # A sample stands for as many faults as the kernel says; all of them together for those that were counted.
      class Tally
        # One line: pages are an estimate.
        Line = Struct.new(:name, :place, :pages, :share, :samples) do
          # @return [Float]
          def bytes
            pages * PAGE
          end
        end

        PAGE = Etc.sysconf(Etc::SC_PAGESIZE)

        # @param report [Report]
        # @param places [Places]
        def initialize(report, places)
          @places = places
          weights = report.samples.sum(&:weight)
          @pages = weights.zero? ? 0.0 : report.faults.fdiv(weights)
          @samples = report.samples.group_by { |sample| places.fate(sample.address) }
        end

        # @return [Line] all of this fate
        def total(fate)
          line([fate, nil], @samples.fetch(fate, []), all)
        end

        # @return [Array<Line>] the greatest first
        def methods(fate)
          by(fate) { |sample| who(sample.frames) }
        end

        # @return [Array<Line>]
        def functions(fate)
          by(fate) { |sample| [sample.function, nil] }
        end

        # @return [Array<Line>]
        def kinds(fate)
          by(fate) { |sample| [@places.kind(sample.address), nil] }
        end

        private

        # The innermost method that is written in Ruby, and what it has called.
        def who(frames)
          return ["(garbage collection)", nil] if frames == :gc
          return ["(not known)", nil] if frames.nil?

          ruby = frames.index(&:place)
          callee = frames.first.name unless ruby&.zero?
          return [callee, nil] if ruby.nil?

          [[frames[ruby].name, *("calling #{callee}" if callee)].join(", "), frames[ruby].place]
        end

        def by(fate, &key)
          samples = @samples.fetch(fate, [])
          lines = samples.group_by(&key).map { |name, its| line(name, its, samples) }
          lines.sort_by { |line| [-line.pages, line.name] }
        end

        def all
          @samples.values.flatten
        end

        def line(name, samples, whole)
          weight, of = [samples, whole].map { |some| some.sum(&:weight) }
          Line.new(*name, weight * @pages, of.zero? ? 0.0 : weight.fdiv(of), samples.size)
        end
      end
    end
  end
end
