# frozen_string_literal: true

require "digest"
require "etc"

module Pitchfork
  module Tune
    # What figures depend on: two tunings can be put together if all of it is the same.
    module Fingerprint
      # Of the environment: what changes the memory or the speed of any app.
      VARIABLES = /\A(RUBYOPT|RUBY_|LD_PRELOAD\z|MALLOC_|BUNDLE_GEMFILE\z)/
      # The app's own code, as far as it lies where apps have it.
      CODE = "{*,app/**/*,config/**/*,lib/**/*}.{rb,ru}"
      private_constant :VARIABLES, :CODE

      # @param subject [Subject]
      # @param requests [String] path of the list
      # @return [Hash{String => String}] by what a message calls it
      def self.of(subject, requests)
        directory = File.dirname(subject.rackup)
        {
          "Ruby" => digest(RUBY_DESCRIPTION), "pitchfork" => VERSION, "machine" => "#{Etc.uname[:nodename]} #{Etc.nprocessors}",
          "request list" => digest(File.read(requests)),
          "configuration file" => digest(subject.config_file ? File.read(subject.config_file) : ""),
          "app (#{CODE} beside #{File.basename(subject.rackup)}, Gemfile.lock)" => digest(code(directory)),
          "number of workers" => subject.workers.to_s, "RACK_ENV" => subject.configuration.environment,
          "environment (RUBYOPT, RUBY_*, LD_PRELOAD, MALLOC_*)" => digest(ENV.select { |name, _| name.match?(VARIABLES) }.sort.inspect)
        }
      end

      def self.digest(text)
        Digest::SHA256.hexdigest(text)[0, 16]
      end
      private_class_method :digest

      def self.code(directory)
        files = Dir.glob(CODE, base: directory) + ["Gemfile.lock"]
        files.sort.filter_map do |name|
          path = File.join(directory, name)
          "#{name} #{Digest::SHA256.file(path)}" if File.file?(path)
        rescue SystemCallError
          nil # nobody can load it, either
        end.join("\n")
      end
      private_class_method :code
    end
  end
end
