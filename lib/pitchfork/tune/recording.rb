# frozen_string_literal: true

require "tmpdir"
require "pitchfork"
require "pitchfork/cli"
require "pitchfork/cow/size"
require "pitchfork/privileges"
require "pitchfork/traps"
require "pitchfork/tune/subject"

module Pitchfork
  module Tune
    # `pitchfork tune --record`: the server as the user's command line describes it, with a {Recorder} around the app.
    class Recording
      # What a server understands, and is passed on to it. From a terminal it has some of them already, and twice does no harm.
      PASSED = %w[INT TERM QUIT HUP USR1 USR2 TTIN TTOU].freeze
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
        @privileges = Privileges.of(subject.configuration)
        create(@file)
        expect_writable
        Dir.mktmpdir("pitchfork-record") do |directory|
          File.chmod(0o711, directory) if @privileges # the workers' user may go through it, not look into it
          create(complaints = "#{directory}/complaints")
          config = "#{directory}/pitchfork.rb"
          File.write(config, subject.recorded(path: @file, headers: @options[:headers], most: @options[:body], complaints: complaints))
          serve(subject.argv(config)).tap { tell(File.readlines(complaints, chomp: true)) }
        end
      end

      private

      # Paths, queries and bodies of real requests are nobody else's business. A file that was there is left as it was.
      def create(path)
        File.open(path, File::WRONLY | File::CREAT | File::EXCL, 0o600) { |file| @privileges&.give(file) }
      rescue Errno::EEXIST
        nil
      rescue SystemCallError => e
        raise ConfigurationError, "tune: --record #{@options[:record]}: #{e.message}"
      end

      # Tries it as who will do it: better now than after an hour of requests.
      def expect_writable
        reader, writer = IO.pipe
        pid = Process.fork do
          @privileges&.drop
          File.open(@file, File::WRONLY | File::APPEND).close
        rescue StandardError => e
          writer.write(e.message[/\A[^@]+/].strip)
        ensure
          exit!(0) # none of this program's at_exit is this process's
        end
        writer.close
        Process.wait(pid)
        complaint = reader.read
        return if complaint.empty?

        raise ConfigurationError, "tune: --record #{@options[:record]}: #{complaint}, for #{@privileges || "this user"}; " \
                                  "name a file that it may write to"
      ensure
        [reader, writer].compact.each(&:close)
      end

      # @return [Integer] exit status; a Ctrl-C is success, for so it ends
      def serve(argv)
        pid = nil
        Traps.during(PASSED, ->(signal) { Process.kill(signal, pid) if pid }) do
          pid = Process.spawn(*RubyCommand.pitchfork(argv))
          _, status = Process.wait2(pid)
          pid = nil # nobody else's
          status.signaled? && status.termsig == Signal.list["INT"] ? 0 : status.exitstatus || 1
        end
      end

      # @param complaints [Array<String>] of the workers
      def tell(complaints)
        count = File.foreach(@file, encoding: "utf-8").count { |line| !line.scrub.start_with?("#") }
        $stderr.puts("#{Cow::Size.count(count, "request")} in #{@options[:record]}")
        $stderr.puts("pitchfork: tune: no request was recorded: were there any for this server?") if count.zero? && complaints.empty?
        complaints.uniq.each { |complaint| $stderr.puts("pitchfork: tune: requests are missing, recording has failed: #{complaint}") }
      rescue SystemCallError => e
        $stderr.puts("pitchfork: tune: --record #{@options[:record]}: #{e.message[/\A[^@]+/].strip}: what was recorded is lost")
      end
    end
  end
end
