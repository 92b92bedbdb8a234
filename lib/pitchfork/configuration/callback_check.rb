# frozen_string_literal: true

require "pitchfork/configuration/check"

module Pitchfork
  class Configuration
    # A callback is a block, or anything that answers `call`. A block takes what it names; a lambda
    # or a method with the wrong number of arguments would only fail much later, in some process.
    module CallbackCheck
      # @param setting [Setting] of the callback
      # @return [#call, nil] nil when the callback was unset with nil
      # @raise [ConfigurationError]
      def self.call(setting, callable, block)
        raise ConfigurationError, "expected a block or an object with call, got both" if callable && block

        callable ||= block
        return if callable.nil?

        unless callable.respond_to?(:call)
          raise ConfigurationError, "expected a block or an object with call, got #{Check.show(callable)}"
        end
        return callable if takes?(callable, setting.arguments.size)

        raise ConfigurationError, "is called with #{describe(setting.arguments)}, " \
                                  "but this #{callable.class.name.downcase} takes #{signature(callable)}"
      end

      # Only a lambda or a method promises a number of arguments: any other object that answers
      # `call` may do so without having a method of that name.
      def self.takes?(callable, count)
        return true unless callable.is_a?(Method) || (callable.is_a?(Proc) && callable.lambda?)

        kinds = callable.parameters.map(&:first)
        required = kinds.count(:req)
        kinds.none?(:keyreq) && count >= required &&
          (kinds.include?(:rest) || count <= required + kinds.count(:opt))
      end

      def self.describe(arguments)
        "#{arguments.size} argument#{"s" if arguments.size > 1} (#{arguments.join(", ")})"
      end

      def self.signature(callable)
        return "required keywords" if callable.parameters.any? { |kind, _| kind == :keyreq }

        arity = callable.arity
        arity.negative? ? "at least #{-arity - 1}" : arity.to_s
      end
      private_class_method :takes?, :describe, :signature
    end
  end
end
