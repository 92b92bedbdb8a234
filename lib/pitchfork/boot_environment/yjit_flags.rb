# frozen_string_literal: true

require "pitchfork/errors"
require "pitchfork/late_yjit"
require "pitchfork/ruby_command"

module Pitchfork
  class BootEnvironment
    # What the settings of YJIT are on Ruby's command line. RUBYOPT would reach all that the app starts.
    class YjitFlags
      # In RUBYOPT and on the command line: what switches a compiler on or off, or tunes it.
      USERS = /--(?:(?:enable|disable)[-=])?[a-z]*jit\S*/
      OFF = /\A--disable[-=][a-z]*jit/
      VARIABLE = "RUBY_YJIT_ENABLE"
      private_constant :USERS, :OFF, :VARIABLE

      # What the user has set besides the configuration.
      #
      # @param environment [Hash{String => String}] of the boot mold
      # @param given [Array<String>] flags of Ruby, from the user
      # @return [Array<String>]
      def self.users(environment, given = RubyCommand::FLAGS)
        flags = [*given, environment["RUBYOPT"]].compact.join(" ").scan(USERS)
        flags << "#{VARIABLE}=#{environment[VARIABLE]}" if environment[VARIABLE]
        flags
      end

      # @return [Array<String>] what the user has set, and differs from what is wished
      attr_reader :kept

      # @param environment [Hash{String => String}] of the boot mold
      # @param given [Array<String>] flags of Ruby, from the user
      def initialize(configuration, environment, given)
        @only_first = configuration.yjit_until_promotion == :first_worker
        @users = YjitFlags.users(environment, given)
        @kept = []
        @flags = flags(configuration.yjit)
        refuse_what_ruby_lacks unless @flags.empty?
      end

      # @return [Array<String>]
      def to_a
        @flags
      end

      private

      def flags(wish)
        return [] if wish.nil? && !@only_first
        return without if wish == false
        return keep(off) if off.any?

        options = wish.is_a?(Hash) ? wish.map { |name, value| "--yjit-#{name.to_s.tr("_", "-")}=#{value}" } : []
        theirs, ours = options.partition { |flag| @users.any? { |users| users.start_with?(flag[/\A[^=]+=?/]) } }
        keep(theirs.map { |flag| flag[/\A[^=]+/] })
        # Worker 0 is to switch it on, whoever has done so before.
        [*(@only_first ? "--yjit-disable" : "--yjit"), *ours]
      end

      def without
        on = @users - off
        on.empty? ? [] : keep(on)
      end

      def off
        @users.select { |users| users.match?(OFF) || users == "--yjit-disable" || users == "#{VARIABLE}=0" }
      end

      # @return [Array<String>] no flags
      def keep(users)
        @kept.concat(users)
        []
      end

      def refuse_what_ruby_lacks
        unless defined?(RubyVM::YJIT)
          raise ConfigurationError, "yjit: this Ruby (#{RUBY_DESCRIPTION}) was built without YJIT; use one that was configured with " \
                                    "--enable-yjit, or remove the setting"
        end
        return if !@only_first || LateYjit.possible?

        raise ConfigurationError, "yjit_until_promotion :first_worker: needs Ruby 3.3 or newer, this is #{RUBY_VERSION}"
      end
    end
  end
end
