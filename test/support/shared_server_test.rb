# frozen_string_literal: true

require_relative "app_test"
require_relative "wire"

# Tests that share one server, which is started for the first of them and ended after the last: many small ones that leave
# no traces. Each asserts that the worker has survived it.
class SharedServerTest < AppTest
  class << self
    # @param app [String] as for {AppTest#serve}
    def serves(app, setup: "", lint: true, config: "")
      @text = "#{AppTest::NOTE}#{setup}\n#{AppTest::LINT if lint}run(#{app.strip})\n"
      @config = config
    end

    # Minitest runs all tests of a class from here.
    def run(*)
      super
    ensure
      shut_down
    end

    def shared_server
      return @shared_server if @shared_server

      @shared_directory = File.realpath(Dir.mktmpdir("pitchfork"))
      @shared_server = ServerProcess.new(@shared_directory, app: @text, config: @config)
      @shared_server.start
    end

    # @return [Integer] pid of the only worker
    def worker
      @worker ||= shared_server.process("pitchfork worker[0]").pid
    end

    def shut_down
      return unless @shared_server

      @shared_server.kill
      FileUtils.remove_entry(@shared_directory)
      @shared_server = @shared_directory = @worker = nil
    end
  end

  attr_reader :shared

  def before_setup
    super
    @shared = self.class.shared_server
    self.class.worker
    @logged = shared.log.bytesize
    @noted = 0
    @noted = notes.size
  end

  def before_teardown
    super
    assert File.exist?("/proc/#{self.class.worker}"), "the worker is gone"
    refute_match(/ERROR|FATAL|warning:/, new_log)
  end

  def capture_exceptions(&block)
    super do
      block.call
    rescue Minitest::Skip
      raise
    rescue Minitest::Assertion, StandardError => e
      raise e.class, "#{e.message}\n--- log ---\n#{new_log.lines.last(30).join if @logged}", e.backtrace
    end
  end

  # @return [String] what the server has written since this test has begun
  def new_log
    shared.log.byteslice(@logged..)
  end

  # @return [Array<String>] what the app has noted since this test has begun
  def notes
    path = File.join(shared.directory, "notes")
    File.exist?(path) ? File.readlines(path, chomp: true).drop(@noted) : []
  end

  # Sends bytes and reads to the end.
  #
  # @return [Array(Reply, Symbol)] the answer, nil if there was none, and how the connection ended
  def exchange(bytes, ends: false, dribble: false)
    Wire.open(shared.port) do |wire|
      yield wire if block_given?
      dribble ? wire.dribble(bytes) : wire.write(bytes)
      wire.close_write if ends
      answer, ending = wire.finish
      [answer.empty? ? nil : Reply.parse(answer), ending]
    end
  end
end
