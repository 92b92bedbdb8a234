# frozen_string_literal: true

require "tmpdir"
require "pitchfork/cli"
require "pitchfork/tune/subject"

module Pitchfork
  module Tune
    # `pitchfork tune --record`: the server as the user's command line describes it, with a {Recorder} around the app.
    class Recording
      # What a server understands, and is passed on to it. From a terminal it has some of them already, and twice does no harm.
      PASSED = %w[INT TERM QUIT HUP USR1 USR2 TTIN TTOU WINCH].freeze
      private_constant :PASSED

      # @param options [Options]
      def initialize(options)
        @options = options
        @file = File.expand_path(options[:record])
      end

      # @return [Integer] exit status
      # @raise [ConfigurationError]
      def run
        subject = Subject.new(@options.serving_argv, config_file: @options[:config_file])
        create
        Dir.mktmpdir("pitchfork-record") do |directory|
          config = "#{directory}/pitchfork.rb"
          File.write(config, subject.recorded(@file, @options[:headers], @options[:body]))
          status = serve(subject.argv(config))
          $stderr.puts("#{File.foreach(@file).count { |line| !line.start_with?("#") }} requests in #{@options[:record]}")
          status
        end
      end

      private

      # Paths, queries and bodies of real requests are nobody else's business.
      def create
        File.open(@file, File::WRONLY | File::CREAT | File::APPEND, 0o600).close
      rescue SystemCallError => e
        raise ConfigurationError, "tune: --record #{@options[:record]}: #{e.message}"
      end

      # @return [Integer] exit status; a Ctrl-C is success, for so it ends
      def serve(argv)
        pid = nil
        before = PASSED.to_h { |signal| [signal, trap(signal) { Process.kill(signal, pid) if pid }] }
        pid = Process.spawn(*RubyCommand.pitchfork(argv))
        _, status = Process.wait2(pid)
        status.signaled? && status.termsig == Signal.list["INT"] ? 0 : status.exitstatus || 1
      ensure
        before&.each { |signal, handler| trap(signal, handler || "DEFAULT") }
      end
    end
  end
end
