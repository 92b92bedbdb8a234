# frozen_string_literal: true

require "pitchfork/errors"

module Pitchfork
  # Loads the Rack application, as it is: no middleware is put around it, unless Rack::Lint is asked for.
  module App
    # The code of a .ru file ends here; what follows is no Ruby.
    END_MARKER = /^__END__\r?$.*\z/m

    class << self
      # @param path [String] of a .ru or .rb file; a .rb file may also be in $LOAD_PATH
      # @return [String] the absolute path
      # @raise [ConfigurationError] when there is no such file
      def find(path)
        unless path.end_with?(".ru", ".rb")
          raise ConfigurationError, "#{path}: expected the application's .ru or .rb file"
        end

        directories = path.end_with?(".rb") ? [Dir.pwd, *$LOAD_PATH] : [Dir.pwd]
        candidates = directories.map { |directory| File.expand_path(path, directory.to_s) }
        candidates.find { |candidate| File.file?(candidate) } ||
          raise(ConfigurationError, "#{path}: no such file; name the application's .ru or .rb file")
      end

      # Runs what -r and -e asked for, then the application's own file. What the code raises is not touched.
      #
      # @param configuration [Configuration]
      # @return [#call] the Rack application
      # @raise [BootFailure] when the file does not give one
      def load(configuration)
        app = configuration.app || load_file(configuration)
        configuration.lint ? lint(app) : app
      end

      private

      def load_file(configuration)
        configuration.requires.each { |library| require library }
        configuration.eval_code.each.with_index(1) { |line, number| TOPLEVEL_BINDING.eval(line, "-e", number) }
        path = configuration.rackup
        raise BootFailure, "#{path}: no such file" unless File.file?(path)

        path.end_with?(".ru") ? load_ru(path) : load_rb(path)
      end

      # Of the Rack that the app runs with.
      def lint(app)
        require "rack"
        require "uri" # which the Lint of Rack 2.2 uses and forgets
        require "rack/lint"
        Rack::Lint.new(app)
      rescue LoadError => e
        raise BootFailure, "lint: #{e.message}; it needs the rack gem"
      end

      # Rack::Builder.parse_file is not used: its result and its treatment of the option line differ
      # between Rack 2 and 3, and it reads the file in the encoding of the locale, not of Ruby code.
      def load_ru(path)
        require "rack"
        require "rack/builder"
        code = File.read(path, encoding: "bom|utf-8").sub(END_MARKER, "")
        verify(Rack::Builder.new_from_string(code, path), path)
      end

      def load_rb(path)
        name = File.basename(path, ".rb").split("_").map(&:capitalize).join
        unless name.match?(/\A[A-Z]\w*\z/)
          raise BootFailure, "#{path}: the name of the file gives no name for a constant; rename it, or write a config.ru"
        end

        require path
        unless Object.const_defined?(name)
          raise BootFailure, "#{path}: expected it to define #{name}, the constant named after the file"
        end

        verify(Object.const_get(name), "#{path}: #{name}")
      end

      def verify(app, place)
        return app if app.respond_to?(:call)

        raise BootFailure, "#{place}: expected a Rack application, which responds to call, got #{app.inspect[0, 60]}"
      end
    end
  end
end
