# frozen_string_literal: true

module Pitchfork
  module Tune
    # Settings that are tried in the place of the user's own. Two with the same settings are the same candidate.
    class Candidate
      # @return [Candidate] from what {#to_h} has given
      def self.from(hash)
        new(hash.to_h { |name, value| [name.to_sym, revive(value)] })
      end

      def self.revive(value)
        case value
        when Hash then value.to_h { |name, one| [name.to_sym, revive(one)] }
        when Array then value.map { |one| revive(one) }
        when /\A:(\w+)\z/ then Regexp.last_match(1).to_sym
        else value
        end
      end
      private_class_method :revive

      # @return [Hash{Symbol => Object}] by the names of the configuration; a name that is missing is as the user has it
      attr_reader :settings

      # @param settings [Hash{Symbol => Object, nil}] nil: as the user has it
      def initialize(settings = {})
        @settings = settings.compact.sort.to_h.freeze
        freeze
      end

      # @return [Candidate] the same but for one setting
      def with(name, value)
        Candidate.new(settings.merge(name => value))
      end

      # @return [Object, nil] nil: as the user has it
      def [](name)
        settings[name]
      end

      # @return [Boolean] whether this is the user's configuration itself
      def baseline?
        settings.empty?
      end

      # @return [Array<String>] lines of a configuration file
      def lines
        settings.map { |name, value| "#{name} #{Candidate.ruby(value)}" }
      end

      # @return [String] the same in one line
      def to_s
        baseline? ? "as it is" : lines.join("; ")
      end

      # @return [Hash] what JSON can hold
      def to_h
        settings.to_h { |name, value| [name.to_s, plain(value)] }
      end

      def ==(other)
        other.is_a?(Candidate) && settings == other.settings
      end
      alias eql? ==

      def hash
        settings.hash
      end

      # @return [String] a value as it stands behind the name of its setting
      def self.ruby(value)
        return value.inspect unless value.is_a?(Hash)

        value.map { |name, one| "#{name}: #{one.inspect}" }.join(", ")
      end

      private

      def plain(value)
        case value
        when Hash then value.to_h { |name, one| [name.to_s, plain(one)] }
        when Array then value.map { |one| plain(one) }
        when Symbol then ":#{value}"
        else value
        end
      end
    end
  end
end
