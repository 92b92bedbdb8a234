# frozen_string_literal: true

require "pitchfork/boot_environment/preload"
require "pitchfork/boot_environment/users_preload"
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
    ARENAS = "MALLOC_ARENA_MAX"
    # Where the user may say the same in other words: `GLIBC_TUNABLES=glibc.malloc.arena_max=2:…`, glibc manual, "Tunables".
    TUNABLES = "GLIBC_TUNABLES"
    ARENAS_TUNABLE = /(?:\A|:)glibc\.malloc\.arena_max=/
    # The setting that asks for a variable; all others are of `gc`.
    ASKED_BY = { PRELOAD => :allocator, ARENAS => :malloc_arena_max }.freeze
    private_constant :ARENAS, :TUNABLES, :ARENAS_TUNABLE, :ASKED_BY

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
      @flags = yjit_flags(configuration, environment, given_flags)
      say_what_is_done
      freeze
    end

    private

    def wishes(configuration, environment)
      {
        **configuration.gc.to_h,
        ARENAS => configuration.malloc_arena_max&.to_s,
        PRELOAD => configuration.allocator != :default && library(configuration.allocator, environment)
      }.select { |_, value| value }
    end

    # Its own wish would not be heard, so it need not be there, either.
    def library(wish, environment)
      preload = environment.key?(PRELOAD) ? UsersPreload.new(environment[PRELOAD], wish) : Preload.find(wish)
      @remarks << [:warn, preload.complaint] if preload.complaint
      preload.path
    end

    def absent(environment, wishes)
      wishes.reject do |name, _|
        users = users_name(name, environment) and @kept << "#{users} (#{ASKED_BY.fetch(name, :gc)})"
      end
    end

    # @return [String, nil] the variable by which the user has said already what this one would say
    def users_name(name, environment)
      return name if environment.key?(name)

      TUNABLES if name == ARENAS && environment[TUNABLES]&.match?(ARENAS_TUNABLE)
    end

    def yjit_flags(configuration, environment, given_flags)
      yjit = YjitFlags.new(configuration, environment, given_flags)
      asked_by = configuration.yjit.nil? ? :yjit_until_promotion : :yjit
      @kept.concat(yjit.kept.map { |users| "#{users} (#{asked_by})" })
      yjit.to_a
    end

    def say_what_is_done
      done = [*variables.map { |name, value| "#{name}=#{value}" }, *flags]
      @remarks << [:info, "the boot mold starts with #{done.join(" ")}"] unless done.empty?
      @remarks << [:info, "set by the user, and left as it is: #{@kept.join(", ")}"] unless @kept.empty?
    end
  end
end
