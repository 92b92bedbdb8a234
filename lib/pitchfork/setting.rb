# frozen_string_literal: true

require "pitchfork/configuration/check"

module Pitchfork
  # One word of the configuration language: what it takes, what it defaults to, what it means.
  #
  # The tables in configuration/settings.rb, listen_options.rb and callbacks.rb are the only
  # places where the words are declared: the parser, its messages and the documentation are all
  # read from them.
  class Setting
    # @return [Symbol]
    attr_reader :name
    # @return [Array<Symbol>] other names of the same setting
    attr_reader :aliases
    # @return [Configuration::Check, nil] nil for callbacks
    attr_reader :check
    # @return [Object] frozen, used when the configuration file does not say otherwise
    attr_reader :default
    # @return [String] one sentence of documentation
    attr_reader :doc
    # @return [String] how it is written in a configuration file
    attr_reader :syntax
    # @return [String] the default, as the documentation shows it
    attr_reader :shown_default
    # @return [Array<Symbol>, nil] names of a callback's arguments
    attr_reader :arguments
    # @return [String, nil] the process a callback runs in
    attr_reader :process

    def initialize(name, doc:, check: nil, default: nil, syntax: name.to_s, shown_default: nil, aliases: [],
                   arguments: nil, process: nil)
      @name = name
      @doc = doc
      @check = check
      @default = default
      @syntax = syntax
      @shown_default = shown_default || default.inspect
      @aliases = aliases.freeze
      @arguments = arguments&.freeze
      @process = process
      freeze
    end

    def callback?
      !arguments.nil?
    end

    # @return [Array<Symbol>] the name and its aliases
    def names
      [name, *aliases]
    end

    class << self
      # @return [Array<Setting>] the settings that hold values
      def options
        Configuration::SETTINGS
      end

      # @return [Array<Setting>] the keywords of `listen`
      def listen_options
        Configuration::LISTEN_OPTIONS
      end

      # @return [Array<Setting>]
      def callbacks
        Configuration::CALLBACKS
      end

      # @return [Array<Setting>] every word a configuration file can start a line with
      def words
        options + callbacks
      end

      # @param name [Symbol] a name or an alias
      # @return [Setting, nil]
      def find(name)
        words.find { |setting| setting.names.include?(name) }
      end

      # @return [String] the tables of the documentation
      def markdown
        require "pitchfork/configuration/markdown"
        Configuration::Markdown.tables
      end
    end
  end
end

require "pitchfork/configuration/settings"
require "pitchfork/configuration/listen_options"
require "pitchfork/configuration/callbacks"
