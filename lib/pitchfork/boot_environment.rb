# frozen_string_literal: true

require "pitchfork/boot_environment/preload"
require "pitchfork/boot_environment/yjit_flags"
require "pitchfork/errors"
require "pitchfork/ruby_command"

module Pitchfork
  # What Ruby takes only when it starts: an allocator, the collector's variables, the compiler's flags. The boot mold is executed
  # with what the configuration says of them, and all workers are forked from it.
  #
  # What the user has set himself stays as it is. What is set here is known to the boot mold by name ({Inheritance}), so that it can
  # take it out of its environment again: programs that the app starts find what the user has set, no more.
  class BootEnvironment
    # The settings that need a Ruby to be executed.
    SETTINGS = %i[allocator gc malloc_arena_max yjit].freeze
    PRELOAD = "LD_PRELOAD"

    # @return [Hash{String => String}] for the environment
    attr_reader :variables
    # @return [Array<String>] for Ruby's command line
    attr_reader :flags
    # @return [Array<Array(Symbol, String)>] levels and lines for the log, each time when a boot mold is executed
    attr_reader :remarks

    # What of a configuration has no effect when the boot mold is forked, because the app is only an object in memory.
    #
    # @return [String, nil] a warning
    def self.unused(configuration)
      names = SETTINGS.select { |name| configuration.public_send(name) != Setting.find(name).default }
      return if names.empty?

      "#{names.join(", ")}: without effect, for the app is only an object in memory, and the Ruby that holds it was started long ago; " \
        "start the server with `bundle exec pitchfork`"
    end

    # @param configuration [Configuration]
    # @param environment [Hash{String => String}] that the boot mold will have besides
    # @param given_flags [Array<String>] of Ruby, from the user
    # @raise [ConfigurationError] when a wish can't be fulfilled on this machine
    def initialize(configuration, environment, given_flags = RubyCommand::FLAGS)
      @remarks = []
      @kept = []
      @variables = absent(environment, wishes(configuration, environment))
      @flags = YjitFlags.new(configuration, environment, given_flags).tap { |yjit| @kept.concat(yjit.kept) }.to_a
      say_what_is_done
      freeze
    end

    private

    def wishes(configuration, environment)
      {
        **configuration.gc.to_h,
        "MALLOC_ARENA_MAX" => configuration.malloc_arena_max&.to_s,
        PRELOAD => configuration.allocator != :default && library(configuration.allocator, environment)
      }.select { |_, value| value }
    end

    # Its own wish would not be heard, so it need not be there, either.
    def library(wish, environment)
      return "" if environment.key?(PRELOAD)

      preload = Preload.find(wish)
      @remarks << [:warn, preload.complaint] if preload.complaint
      preload.path
    end

    def absent(environment, wishes)
      @kept.concat(wishes.keys & environment.keys)
      wishes.except(*environment.keys)
    end

    def say_what_is_done
      done = [*variables.map { |name, value| "#{name}=#{value}" }, *flags]
      @remarks << [:info, "the boot mold starts with #{done.join(" ")}"] unless done.empty?
      @remarks << [:info, "set by the user, and left as it is: #{@kept.join(", ")}"] unless @kept.empty?
    end
  end
end
