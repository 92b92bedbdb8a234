# frozen_string_literal: true

require "pitchfork/boot_environment"

module Pitchfork
  module Tune
    # What can be tried on this machine, with this Ruby and this configuration.
    class Facts
      # Variables by which the user has set what a setting would: they win, so that a trial of it would show nothing.
      VARIABLES = {
        gc: /\ARUBY_GC_HEAP_FREE_SLOTS_/, allocator: /\ALD_PRELOAD\z/, malloc_arena_max: /\AMALLOC_ARENA_MAX\z/
      }.freeze
      YJIT = %i[yjit yjit_until_promotion].freeze
      private_constant :VARIABLES, :YJIT

      # @param configuration [Configuration] the user's own
      # @param environment [Hash{String => String}]
      def initialize(configuration, environment = ENV.to_h)
        @configuration = configuration
        @environment = environment
      end

      # @param version [String]
      def ruby_at_least?(version)
        Gem::Version.new(RUBY_VERSION) >= Gem::Version.new(version)
      end

      # @return [Boolean] whether this Ruby has it, in use or not
      def yjit?
        RubyVM.const_defined?(:YJIT)
      end

      # @return [Boolean] whether workers use it as the configuration is
      def yjit_on?
        wish = @configuration.yjit
        yjit? && (wish.nil? ? RubyVM::YJIT.enabled? : wish != false)
      end

      # @return [Boolean] whether there is one that may be forked
      def jemalloc?
        return @jemalloc if defined?(@jemalloc)

        @jemalloc = BootEnvironment::Preload.find(:jemalloc).complaint.nil?
      rescue ConfigurationError
        @jemalloc = false
      end

      # @return [Boolean] whether a value of this setting would have an effect
      def free_to_set?(name)
        return BootEnvironment::YjitFlags.users(@environment).empty? if YJIT.include?(name)

        variable = VARIABLES[name]
        variable.nil? || @environment.none? { |key, value| key.match?(variable) && !value.empty? }
      end

      # A line of a configuration file replaces an earlier one with the same word, keywords and all.
      #
      # @return [Object] a value of this setting, with those of the user's own keywords that it does not speak of
      def completed(name, value)
        value.is_a?(Hash) ? own(name).merge(value) : value
      end

      # @return [Boolean] whether the user's configuration says just that
      def set_already?(name, value)
        setting = Setting.find(name) or return true

        setting.check.call(value) == @configuration.public_send(name)
      rescue ConfigurationError
        true # this Ruby can't have it
      end

      private

      # @return [Hash{Symbol => Object}] keywords
      def own(name)
        value = @configuration.public_send(name)
        case name
        when :gc then Configuration::GcVariables.keywords(value.to_h.reject { |variable, _| variable.match?(VARIABLES[:gc]) })
        when :mold_preparation then (Setting.find(name).default - value).to_h { |step| [step, false] }
        else value.is_a?(Hash) ? value : {}
        end
      end
    end
  end
end
