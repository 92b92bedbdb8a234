# frozen_string_literal: true

module Pitchfork
  # `yjit_until_promotion :first_worker`: YJIT is off in the boot mold, worker 0 switches it on for itself, and what it has compiled
  # is everybody's when it is the mold.
  #
  # The others are slower until then, but neither compile what they are about to be given nor count calls, which is a write into
  # a shared page for each method. Should no refork come, they do not wait for ever.
  class LateYjit
    CONTRADICTIONS = { false => "yjit false", first: "yjit_until_promotion :first_worker" }.freeze
    private_constant :CONTRADICTIONS

    class << self
      # @return [Boolean] Ruby >= 3.3
      def possible?
        defined?(RubyVM::YJIT) && RubyVM::YJIT.respond_to?(:enable) ? true : false
      end

      # In a fresh worker.
      #
      # @param nr [Integer] its number
      # @return [LateYjit, nil] to be asked after each request, as long as the worker waits
      def in_worker(configuration, nr)
        return unless waiting?(configuration)
        return new(configuration.yjit_others_after) unless nr.zero?

        RubyVM::YJIT.enable
        nil
      end

      # In a worker that has become a mold, whoever it was.
      def promoted(configuration)
        RubyVM::YJIT.enable if waiting?(configuration)
      end

      # In a boot mold whose app is loaded.
      #
      # @return [String, nil] a warning
      def complaint(configuration)
        wish = CONTRADICTIONS[configuration.yjit] || (CONTRADICTIONS[:first] if configuration.yjit_until_promotion == :first_worker)
        return unless wish && defined?(RubyVM::YJIT) && RubyVM::YJIT.enabled?

        "#{wish}: YJIT was switched on before, or by the app while it was loaded (in Rails: config.yjit = false), and compiles " \
          "in all processes"
      end

      private

      def waiting?(configuration)
        configuration.yjit_until_promotion == :first_worker && possible? && !RubyVM::YJIT.enabled?
      end
    end

    # @param patience [Numeric] seconds
    def initialize(patience)
      @until = now + patience
    end

    # @return [self, nil] nil: nothing more to wait for
    def after_request
      return self if now < @until

      RubyVM::YJIT.enable
      nil
    end

    private

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
