# frozen_string_literal: true

require "pitchfork/configuration/callback_check"
require "pitchfork/configuration/listener_spec"
require "pitchfork/configuration/suggestion"
require "pitchfork/setting"

module Pitchfork
  # The configuration language. A configuration file is evaluated with a Configurator as self;
  # each setting is checked at its line, so that a message can name file and line.
  #
  #   configurator = Configurator.new
  #   configurator.load_file("config/pitchfork.rb")
  #   configurator.values   # => { worker_processes: 4, … }: only what was set
  class Configurator
    # @return [Hash{Symbol => Object}] values of the settings that were set
    attr_reader :values
    # @return [Hash{Symbol => #call}] callbacks by their first name
    attr_reader :callbacks
    # @return [Array<ListenerSpec>]
    attr_reader :listeners
    # @return [Hash{Symbol, ListenerSpec => String}] "file:line" where each word was used last
    attr_reader :locations

    def initialize
      @values = {}
      @callbacks = {}
      @listeners = []
      @locations = {}
      @path = nil
    end

    # Evaluates a configuration file.
    #
    # @param path [String] as messages show it
    # @return [self]
    # @raise [ConfigurationError] for a setting that is wrong and for whatever the file raises itself
    def load_file(path)
      raise ConfigurationError, "#{path}: no such file" unless File.exist?(path)
      raise ConfigurationError, "#{path}: cannot be read" unless File.file?(path) && File.readable?(path)

      evaluate(File.read(path, encoding: "bom|utf-8"), path)
    end

    # @param source [String] Ruby
    # @param path [String] what __FILE__ is
    # @return [self]
    def evaluate(source, path)
      @path = path
      instance_eval(source, path, 1)
      self
    rescue ConfigurationError
      raise
    rescue StandardError, ScriptError => e
      raise ConfigurationError, describe(e)
    end

    # Sets what did not come from a file: an option of the command line or of a Rack handler.
    #
    # @param name [Symbol] a setting of {Setting.options}
    # @param source [String] what a message starts with, such as "-O Workers"; nil: file and line
    # @param label [#to_s, nil] how the source calls the setting
    def set(name, value, source: nil, label: source ? nil : name)
      setting = Setting.find(name)
      location = source || location_in_file
      @locations[name] = location
      @values[name] = complaining_about(label, at: location) { setting.check.call(value) }
    end

    # Those that stand as a keyword behind another.
    KEYWORDS = %i[cleanup_timeout canary_seconds max_requests_jitter refork_interval yjit_others_after].freeze
    # Those that take more than one value, and are written out below.
    COMPOSED = %i[listen timeout canary_requests max_requests user refork_when worker_memory_limit gc yjit yjit_until_promotion].freeze
    private_constant :KEYWORDS, :COMPOSED

    (Configuration::SETTINGS.map(&:name) - KEYWORDS - COMPOSED).each do |name|
      define_method(name) do |*arguments|
        complaining_about(name) { expect_one(arguments) }
        set(name, arguments.first)
      end
    end

    Configuration::CALLBACKS.each do |setting|
      setting.names.each do |name|
        define_method(name) do |*arguments, &block|
          @locations[setting.name] = location_in_file
          @callbacks[setting.name] = complaining_about(name) do
            expect_one(arguments) unless arguments.empty?
            Configuration::CallbackCheck.call(setting, arguments.first, block)
          end
        end
      end
    end

    def listen(address, **options)
      spec = complaining_about(:listen) { ListenerSpec.parse(address, options) }
      @locations[spec] = location_in_file
      @listeners.reject! { |other| other.same_place?(spec) }
      @listeners << spec
    end

    def timeout(seconds, cleanup: nil)
      set_both(:timeout, seconds, :cleanup, :cleanup_timeout, cleanup)
    end

    def canary_requests(requests, seconds: nil)
      set_both(:canary_requests, requests, :seconds, :canary_seconds, seconds)
    end

    def max_requests(requests, jitter: nil)
      set_both(:max_requests, requests, :jitter, :max_requests_jitter, jitter)
    end

    def gc(**keywords)
      set(:gc, keywords)
    end

    def yjit(*arguments, **options)
      complaining_about(:yjit) do
        raise ConfigurationError, "expected either true, false or options, got both" unless arguments.empty? || options.empty?

        expect_one(arguments) if options.empty?
      end
      set(:yjit, options.empty? ? arguments.first : options)
    end

    def yjit_until_promotion(who, others_after: nil)
      set_both(:yjit_until_promotion, who, :others_after, :yjit_others_after, others_after)
    end

    def refork_when(mode, interval: nil)
      set_both(:refork_when, mode, :interval, :refork_interval, interval)
    end

    def worker_memory_limit(*arguments, **limits)
      complaining_about(:worker_memory_limit) { expect_one(arguments) } unless arguments.empty?
      set(:worker_memory_limit, arguments.empty? ? limits : arguments.first)
    end

    def user(name, group = nil)
      set(:user, name)
      set(:group, group) unless group.nil?
    end

    private

    # A setting, and the one that stands as a keyword behind it.
    def set_both(name, value, keyword, other, given)
      set(name, value)
      set(other, given, label: "#{name}: #{keyword}") unless given.nil?
    end

    def method_missing(name, *)
      words = Setting.words.flat_map(&:names) - KEYWORDS
      suggestion = Configuration::Suggestion.for(name, words)
      raise ConfigurationError, "#{location_in_file}: unknown setting #{name}#{suggestion}"
    end

    def respond_to_missing?(*)
      false
    end

    def complaining_about(name, at: location_in_file)
      yield
    rescue ConfigurationError => e
      raise ConfigurationError, [at, name, e.message].compact.join(": ")
    end

    def expect_one(arguments)
      return if arguments.size == 1

      got = arguments.empty? ? "none" : Configuration::Check.show(arguments)
      raise ConfigurationError, "expected one value, got #{got}"
    end

    # A setting may be used by a method or a file that the configuration file calls:
    # the line in the configuration file is what its author looks for.
    def location_in_file
      frame = caller_locations(1).find { |location| location.path == @path }
      frame ? "#{@path}:#{frame.lineno}" : @path
    end

    def describe(error)
      return "#{@path}: #{error.class}: #{error.message}" if error.is_a?(SyntaxError)

      trace = error.backtrace || []
      frame = trace.find { |line| line.start_with?("#{@path}:") }
      place = frame ? frame[/\A#{Regexp.escape(@path)}:\d+/] : @path
      # Wrong arguments to a word of ours: not where, but that the word was called so is the mistake.
      if trace.first&.start_with?("#{__FILE__}:")
        return [place, error.backtrace_locations&.first&.base_label, error.message].compact.join(": ")
      end

      origin = " (raised at #{trace.first[/\A.*?:\d+/]})" unless trace.empty? || trace.first == frame
      "#{place}: #{error.class}: #{error.message}#{origin}"
    end
  end
end
