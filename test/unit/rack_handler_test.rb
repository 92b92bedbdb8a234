# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/rack_handler"

class RackHandlerTest < UnitTest
  APP = ->(_env) { [200, {}, []] }
  RACKUP = { Host: "localhost", Port: 9292, environment: "development", AccessLog: [], config: "config.ru" }.freeze
  RAILS = { Host: "localhost", Port: 3000, DoNotReverseLookup: true, config: "config.ru", environment: "development",
            daemonize: false, pid: "tmp/pids/server.pid", caching: nil, restart_cmd: "bin/rails", early_hints: nil,
            user_supplied_options: [], server: "pitchfork", log_stdout: true }.freeze

  def test_the_defaults_of_rackup_and_rails
    assert_equal(["localhost:9292"], places(configuration(RACKUP)))
    assert_equal(["localhost:3000"], places(configuration(RAILS)))
    assert_equal(["0.0.0.0:8080"], places(configuration({})))
    assert_equal(["0.0.0.0:9292"], places(configuration({ Host: "0.0.0.0" })))
    assert_same(APP, configuration(RAILS).app)
    assert_nil(configuration(RAILS).rackup)
  end

  def test_listeners_of_the_file_replace_defaults
    write("config/pitchfork.rb", "listen 1\n")

    assert_equal(["0.0.0.0:1"], places(configuration(RACKUP)))
    assert_equal(["0.0.0.0:1"], places(configuration(RAILS)))
  end

  def test_a_host_or_port_that_was_asked_for_is_served_besides_those_of_the_file
    write("config/pitchfork.rb", "listen 1\n")

    {
      RACKUP.merge(Port: "9292") => "localhost:9292",
      RACKUP.merge(Port: "80") => "localhost:80",
      RACKUP.merge(Host: "::1") => "[::1]:9292",
      RAILS.merge(Port: 80, user_supplied_options: [:Port]) => "localhost:80",
      RAILS.merge(Host: "0.0.0.0", user_supplied_options: [:Host]) => "0.0.0.0:3000",
      { Port: 80 } => "0.0.0.0:80",
      { Host: "/a.sock" } => "/a.sock"
    }.each { |options, place| assert_equal(["0.0.0.0:1", place], places(configuration(options)), options) }
  end

  def test_sockets_of_systemd_replace_defaults
    TCPServer.open("127.0.0.1", 0) do |socket|
      copy = socket.dup.tap { |io| io.autoclose = false }
      Pitchfork::Systemd.take(Pitchfork::Systemd::PassedSocket::VARIABLE => copy.fileno.to_s)
      passed = "127.0.0.1:#{socket.addr[1]}"

      assert_equal([passed], places(configuration(RACKUP)))
      assert_equal([passed], places(configuration(RAILS)))
      assert_equal(["localhost:80", passed], places(configuration(RACKUP.merge(Port: "80"))))
    end
  ensure
    Pitchfork::Systemd.take({})
  end

  def test_options_win_over_the_file
    write("config/pitchfork.rb", "worker_processes 2\ntimeout 2\n")
    write("other.rb", "worker_processes 5\n")

    assert_equal(2, configuration(RACKUP).worker_processes)
    assert_equal([3, 30], configuration({ Workers: "3", Timeout: "30" }).then { |c| [c.worker_processes, c.timeout] })
    assert_equal(4, configuration({ Workers: 4 }).worker_processes)
    assert_equal([false, true], [RAILS, RAILS.merge(early_hints: true)].map { |options| configuration(options).early_hints })
    assert_equal(5, configuration({ Config: "other.rb" }).worker_processes)
  end

  def test_environment
    ENV["RACK_ENV"] = "staging"

    assert_equal("staging", configuration({}).environment)
    assert_equal("production", configuration({ environment: "production" }).environment)
    ENV.delete("RACK_ENV")
    assert_equal("development", configuration({}).environment)
  end

  BAD = {
    { Workers: "many" } => '-O Workers: expected an Integer from 1 to 1024, got "many"',
    { Workers: true } => "-O Workers: expected an Integer from 1 to 1024, got true",
    { Timeout: "0" } => "-O Timeout: expected a number of seconds > 0, got 0",
    { Port: "http" } => '0.0.0.0:http: expected a port from 0 to 65535, got "http"',
    { Config: "no.rb" } => "no.rb: no such file"
  }.freeze

  BAD.each do |options, message|
    define_method("test_bad_#{options}") { assert_message(message) { configuration(options) } }
  end

  SERVER = <<~RUBY
    module Pitchfork
      module Lifecycle
        def self.start(release)
          configuration = release.configuration
          puts configuration.listeners.map(&:address).join(","), configuration.worker_processes
          puts configuration.app.call({}).inspect
          ENV.fetch("STATUS").to_i
        end
      end
    end
  RUBY

  # Whichever of the two libraries there is: Rack 2 has its handlers itself, Rack 3 leaves them to rackup.
  FIND = <<~RUBY
    require "rack"
    if Rack.release.to_i < 3
      print Rack::Handler.get("pitchfork")
    else
      require "rackup"
      print Rackup::Handler.get("pitchfork")
    end
  RUBY

  def test_the_handler_is_found_by_name
    name, error, = ruby("-e", FIND)

    assert_match(/\ARack(up)?::Handler::Pitchfork\z/, name)
    assert_empty(own_lines(error))
  end

  %w[rack/handler/pitchfork rackup/handler/pitchfork].each do |file|
    define_method("test_#{file}_works_with_what_is_there") do
      name, error, = ruby("-e", "require '#{file}'; #{FIND}")

      assert_match(/\ARack(up)?::Handler::Pitchfork\z/, name)
      assert_empty(own_lines(error))
    end
  end

  def test_run_returns_after_success_and_exits_after_failure
    write("lib/pitchfork.rb", SERVER)
    code = "#{FIND}; handler = Object.const_get(defined?(Rackup) ? 'Rackup::Handler' : 'Rack::Handler')::Pitchfork; " \
           "handler.run(->(_) { :hello }, Host: 'localhost', Port: '80', Workers: '3'); puts :returned"

    assert_equal(["localhost:80\n3\n:hello\nreturned\n", 0], outcome(code, "0"))
    assert_equal(["localhost:80\n3\n:hello\n", 9], outcome(code, "9"))
  end

  def test_run_answers_a_mistake_with_one_line
    code = "require 'rack/handler/pitchfork'; #{FIND}; Object.const_get(defined?(Rackup) ? 'Rackup::Handler' : " \
           "'Rack::Handler')::Pitchfork.run(->(_) { }, Workers: 'x')"
    _, error, status = ruby("-e", code)

    assert_equal(['pitchfork: -O Workers: expected an Integer from 1 to 1024, got "x"'], own_lines(error))
    assert_equal(1, status)
  end

  def test_valid_options_are_documented_and_understood
    handler = Object.new.extend(Pitchfork::RackHandler)

    assert_equal(%w[Host Port Workers Timeout Config], handler.valid_options.keys.map { |key| key[/\A\w+/] })
  end

  private

  def configuration(options)
    Pitchfork::RackHandler.configuration(APP, options)
  end

  def places(configuration)
    configuration.listeners.map { |spec| spec.address.to_s }
  end

  def outcome(code, status)
    out, _, code = ruby("-e", code, env: { "STATUS" => status })
    [out.sub(/\ARack(up)?::Handler::Pitchfork/, ""), code]
  end

  # Other people's libraries have warnings of their own.
  def own_lines(error)
    error.lines(chomp: true).select { |line| line.start_with?("pitchfork:", ROOT) || line.include?("circular") }
  end
end
