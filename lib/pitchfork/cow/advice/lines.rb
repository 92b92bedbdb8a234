# frozen_string_literal: true

module Pitchfork
  module Cow
    class Advice
      # Which lines a server can be given: none that it would not start with, and none that it has. Pure.
      class Lines
        # Older Rubies refuse a line that begins so.
        SINCE = { "yjit_until_promotion" => "3.3" }.freeze
        # Refused beside each other.
        CONTRADICTION = ["yjit false", "yjit_until_promotion"].freeze
        private_constant :SINCE, :CONTRADICTION

        # @param notes [Memory::Notes, nil] of the mold. Without them nothing is set, and Ruby may be an old one
        def initialize(notes)
          @ruby = notes&.ruby
          @set = notes ? notes.settings : []
        end

        # @param lines [Array<String>]
        # @return [Array<String>] those that can be tried
        def to_try(lines)
          lines.reject { |line| set_in(line) || too_new?(line) || contradicted?(line) }
        end

        # @param lines [Array<String>]
        # @return [Hash{String => String}] those whose setting is set already, and its words
        def set_among(lines)
          lines.to_h { |line| [line, set_in(line)] }.compact
        end

        private

        def set_in(line)
          @set.find { |words| line.start_with?(words) }
        end

        def too_new?(line)
          SINCE.any? { |words, version| line.start_with?(words) && (@ruby.nil? || Gem::Version.new(@ruby) < Gem::Version.new(version)) }
        end

        def contradicted?(line)
          [CONTRADICTION, CONTRADICTION.reverse].any? { |words, other| line.start_with?(words) && @set.include?(other) }
        end
      end
    end
  end
end
