# frozen_string_literal: true

require "rbconfig"
require "pitchfork/configuration/suggestion"
require "pitchfork/errors"

module Pitchfork
  class Configuration
    # The check of `gc`: what Ruby's collector reads from its environment when it starts, by keyword.
    #
    #   GcVariables.call(free_slots: [0.05, 0.1, 0.15], growth_factor: 1.1)
    #   # => { "RUBY_GC_HEAP_FREE_SLOTS_MIN_RATIO" => "0.05", …, "RUBY_GC_HEAP_GROWTH_FACTOR" => "1.1" }
    #
    # Which variables there are differs between Rubies, so this one is asked: it holds their names, as it looks them up by them.
    module GcVariables
      RATIOS = %w[MIN GOAL MAX].map { |name| "RUBY_GC_HEAP_FREE_SLOTS_#{name}_RATIO" }.freeze
      # A keyword is a variable's name in small letters, without one of these.
      PREFIXES = ["RUBY_GC_HEAP_", "RUBY_GC_", ""].freeze
      # Slots are kept in heaps by their size, and each has variables of its own.
      EACH_HEAP = "%d"
      # By which something grows. Ruby ignores one that lets it stay as it is or shrink (gc.c; tried with 3.1 and 3.3), and says so
      # under -w only.
      GROWTH = /_GROWTH_FACTOR\z/
      private_constant :RATIOS, :PREFIXES, :EACH_HEAP, :GROWTH

      class << self
        # @return [String] completes "expected …"
        def expected
          "keywords: `free_slots`, and the other `RUBY_GC_*` in small letters"
        end

        # @param keywords [Hash{Symbol => Object}]
        # @return [Hash{String => String}] by the variable's name
        # @raise [ConfigurationError]
        def call(keywords)
          raise ConfigurationError, "expected keywords such as free_slots: [0.05, 0.1, 0.15], got none" if keywords.empty?

          keywords.each_with_object({}) do |(keyword, value), variables|
            keyword == :free_slots ? variables.update(ratios(value)) : variables.store(*number(keyword, value))
          end.freeze
        end

        # @param variables [Hash{String => String}] from {#call}
        # @return [Hash{Symbol => Numeric}] what makes these of it
        def keywords(variables)
          variables.to_h do |name, text|
            word = keyword(name)
            word = name if word == "free_slots" # which means something else
            [word.to_sym, Integer(text, 10, exception: false) || Float(text)]
          end
        end

        # @return [Array<String>] of this Ruby; none when it can't be read
        def known
          @known ||= names_in(program).flat_map { |name| name.include?(EACH_HEAP) ? by_heap(name) : [name] }.freeze
        end

        # @param path [String] of a program or library
        # @return [Array<String>]
        def names_in(path)
          File.binread(path).scan(/\bRUBY_GC_(?:[A-Z0-9_]|%d)+/).uniq
        rescue SystemCallError
          []
        end

        private

        # Ruby is a library of its own, or within the program.
        def program
          library = File.join(RbConfig::CONFIG["libdir"], RbConfig::CONFIG["LIBRUBY_SO"].to_s)
          mapped = File.foreach("/proc/self/maps").filter_map { |line| line[%r{ (/\S*libruby[^/]*)\n}, 1] }.first
          mapped || (File.file?(library) ? library : "/proc/self/exe")
        end

        def by_heap(name)
          heaps = GC::INTERNAL_CONSTANTS.values_at(:HEAP_COUNT, :SIZE_POOL_COUNT).compact.first || 1
          Array.new(heaps) { |heap| name.sub(EACH_HEAP, heap.to_s) }
        end

        def name(keyword)
          word = keyword.to_s.upcase
          return "RUBY_GC_#{word.delete_prefix("RUBY_GC_")}" if known.empty?

          names = PREFIXES.map { |prefix| prefix + word }
          (names & known).first || raise(ConfigurationError, "#{keyword}: this Ruby (#{RUBY_VERSION}) has no such setting#{near(keyword)}")
        end

        def near(keyword)
          Suggestion.for(keyword, known.map { |name| keyword(name) } + ["free_slots"])
        end

        # No keyword begins with a digit.
        def keyword(variable)
          variable.delete_prefix("RUBY_GC_").sub(/\AHEAP_(?=[A-Z])/, "").downcase
        end

        # Ruby wants them so, and ignores what is not.
        def ratios(value)
          numbers = value.is_a?(Array) && value.size == 3 && value.all?(Numeric)
          unless numbers && value == value.sort && value.first.positive? && value.last < 1
            raise ConfigurationError, "free_slots: expected [min, goal, max] with 0 < min <= goal <= max < 1, got #{Check.show(value)}"
          end

          RATIOS.zip(value.map(&:to_s)).to_h
        end

        # @return [(String, String)] the variable and its value
        def number(keyword, value)
          variable = name(keyword)
          least = variable.match?(GROWTH) ? 1 : 0
          return [variable, value.to_s] if (value.is_a?(Integer) || value.is_a?(Float)) && value > least && value.finite?

          raise ConfigurationError, "#{keyword}: expected a number > #{least}, got #{Check.show(value)}"
        end
      end
    end
  end
end
