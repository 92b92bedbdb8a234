# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configurator"

class ConfiguratorTest < UnitTest
  PATH = "config/pitchfork.rb"

  GOOD = {
    "worker_processes 1" => { worker_processes: 1 },
    "worker_processes 1024" => { worker_processes: 1024 },
    "timeout 7" => { timeout: 7 },
    "timeout 7.5, cleanup: 0" => { timeout: 7.5, cleanup_timeout: 0 },
    "spawn_timeout 0.5" => { spawn_timeout: 0.5 },
    "refork_after [50, 100, 1000]" => { refork_after: [50, 100, 1000] },
    "refork_after [50, false]" => { refork_after: [50, false] },
    "refork_after 50" => { refork_after: [50] },
    "refork_after nil" => { refork_after: nil },
    "refork_after false" => { refork_after: nil },
    "refork_max_unavailable 0" => { refork_max_unavailable: 0 },
    "refork_max_unavailable nil" => { refork_max_unavailable: nil },
    "promotion :fork" => { promotion: :fork },
    "mold_preparation true" => { mold_preparation: %i[collect compact trim seal] },
    "mold_preparation false" => { mold_preparation: [] },
    "mold_preparation compact: false, seal: true" => { mold_preparation: %i[collect trim seal] },
    "service_workers [:cron, 'mail-out']" => { service_workers: %i[cron mail-out] },
    "service_workers []" => { service_workers: [] },
    "service_workers nil" => { service_workers: nil },
    "max_consecutive_spawn_errors 3" => { max_consecutive_spawn_errors: 3 },
    "early_hints true" => { early_hints: true },
    "check_client_connection true" => { check_client_connection: true },
    "rewindable_input false" => { rewindable_input: false },
    "client_body_buffer_size 0" => { client_body_buffer_size: 0 },
    "client_header_timeout 0.5" => { client_header_timeout: 0.5 },
    "client_body_timeout 5" => { client_body_timeout: 5 },
    "client_write_timeout 5" => { client_write_timeout: 5 },
    "client_request_line_max_size 64" => { client_request_line_max_size: 64 },
    "client_header_field_max_size 100" => { client_header_field_max_size: 100 },
    "client_header_max_size 256" => { client_header_max_size: 256 },
    "client_header_max_fields 256" => { client_header_max_fields: 256 },
    "client_body_max_size 0" => { client_body_max_size: 0 },
    "client_body_max_size nil" => { client_body_max_size: nil },
    "trusted_proxies []" => { trusted_proxies: [] },
    'trusted_proxies ["10.1.2.3/8", "192.0.2.1", :unix]' => { trusted_proxies: ["10.0.0.0/8", "192.0.2.1/32", :unix] },
    'trusted_proxies ["::1", "fd12::/8"]' => { trusted_proxies: ["::1/128", "fd00::/8"] },
    "lint true" => { lint: true },
    "setpgid false" => { setpgid: false },
    'pid "tmp/server.pid"' => { pid: "tmp/server.pid" },
    'user "app"' => { user: "app" },
    'user "app", "web"' => { user: "app", group: "web" },
    'user "app"; group "web"' => { user: "app", group: "web" },
    "oom_score_adj false" => { oom_score_adj: false },
    "worker_processes 2; worker_processes 3" => { worker_processes: 3 }
  }.freeze

  GOOD.each do |source, values|
    define_method("test_good_#{source}") { assert_equal(values, evaluate(source).values) }
  end

  LIMITS = "an Array of Integers >= 1, of which the last may be false (or nil)"
  LOGGER = "a logger (an object with debug, info, warn, error, fatal)"
  NETWORKS = 'an Array of addresses, networks such as "10.0.0.0/8", and :unix'
  BAD = {
    'worker_processes "four"' => 'worker_processes: expected an Integer from 1 to 1024, got "four"',
    "worker_processes 0" => "worker_processes: expected an Integer from 1 to 1024, got 0",
    "worker_processes 1025" => "worker_processes: expected an Integer from 1 to 1024, got 1025",
    "worker_processes nil" => "worker_processes: expected an Integer from 1 to 1024, got nil",
    "worker_processes 1.0" => "worker_processes: expected an Integer from 1 to 1024, got 1.0",
    "worker_processes" => "worker_processes: expected one value, got none",
    "refork_when" => "refork_when: wrong number of arguments (given 0, expected 1)",
    "gc 5" => "gc: wrong number of arguments (given 1, expected 0)",
    "before_fork 1, 2" => "before_fork: expected one value, got [1, 2]",
    "mold_preparation" => "mold_preparation: expected one value, got none",
    "mold_preparation 1" => "mold_preparation: expected true, false, or true or false for collect, compact, trim and seal, got 1",
    "mold_preparation compact: 1" => "mold_preparation: compact: expected true or false, got 1",
    "mold_preparation trim: true, compac: false" =>
      "mold_preparation: compac: is none of collect, compact, trim and seal; did you mean compact?",
    "mold_preparation [:collect, :polish]" => "mold_preparation: polish: is none of collect, compact, trim and seal",
    "mold_preparation ['collect']" =>
      'mold_preparation: "collect": is none of collect, compact, trim and seal',
    "worker_processes 1, 2" => "worker_processes: expected one value, got [1, 2]",
    "timeout 0" => "timeout: expected a number of seconds > 0, got 0",
    'timeout "20"' => 'timeout: expected a number of seconds > 0, got "20"',
    "timeout Float::NAN" => "timeout: expected a number of seconds > 0, got NaN",
    "timeout Float::INFINITY" => "timeout: expected a number of seconds > 0, got Infinity",
    "timeout 20, cleanup: -1" => "timeout: cleanup: expected a number of seconds >= 0, got -1",
    "timeout 20, clean: 1" => "timeout: unknown keyword: :clean",
    "spawn_timeout(-1)" => "spawn_timeout: expected a number of seconds > 0, got -1",
    "logger nil" => "logger: expected #{LOGGER}, got nil",
    'logger "log/app.log"' => "logger: expected #{LOGGER}, got \"log/app.log\"",
    "refork_after []" => "refork_after: expected #{LIMITS}, got []",
    "refork_after [false]" => "refork_after: expected #{LIMITS}, got [false]",
    "refork_after [50, 0]" => "refork_after: expected #{LIMITS}, got [50, 0]",
    "refork_after [false, 50]" => "refork_after: expected #{LIMITS}, got [false, 50]",
    "refork_after true" => "refork_after: expected #{LIMITS}, got true",
    "client_header_max_fields 257" => "client_header_max_fields: expected an Integer from 1 to 256, got 257",
    'trusted_proxies "::1"' => "trusted_proxies: expected #{NETWORKS}, got \"::1\"",
    'trusted_proxies ["::1", "proxy.example"]' => "trusted_proxies: expected #{NETWORKS}, got [\"::1\", \"proxy.example\"]",
    'trusted_proxies ["10.0.0.0/33"]' => "trusted_proxies: expected #{NETWORKS}, got [\"10.0.0.0/33\"]",
    "refork_max_unavailable(-1)" => "refork_max_unavailable: expected an Integer from 0 to 1024 (or nil), got -1",
    "service_workers :cron" => "service_workers: expected an Array of different Symbols (or nil), got :cron",
    'service_workers [:cron, "cron"]' =>
      'service_workers: expected an Array of different Symbols (or nil), got [:cron, "cron"]',
    'service_workers ["a]"]' => 'service_workers: expected an Array of different Symbols (or nil), got ["a]"]',
    'promotion "fork"' => 'promotion: expected :auto, :in_place or :fork, got "fork"',
    "max_consecutive_spawn_errors 0" => "max_consecutive_spawn_errors: expected an Integer >= 1 (or nil), got 0",
    "early_hints nil" => "early_hints: expected true or false, got nil",
    "check_client_connection 1" => "check_client_connection: expected true or false, got 1",
    'rewindable_input "no"' => 'rewindable_input: expected true or false, got "no"',
    "client_body_buffer_size(-1)" => "client_body_buffer_size: expected an Integer >= 0, got -1",
    'pid ""' => 'pid: expected a String that is not empty (or nil), got ""',
    "pid 1" => "pid: expected a String that is not empty (or nil), got 1",
    "user 1000" => "user: expected a String that is not empty (or nil), got 1000",
    'user "app", 1000' => "group: expected a String that is not empty (or nil), got 1000",
    "oom_score_adj 100" => "oom_score_adj: expected true or false, got 100",
    "setpgid :yes" => "setpgid: expected true or false, got :yes",
    "listen" => "listen: wrong number of arguments (given 0, expected 1)",
    "listen 70_000" => "listen: 70000: expected a port from 0 to 65535, got 70000",
    'listen "localhost"' => 'listen: localhost: the port is missing, as in "localhost:8080"',
    "listen 80, backlog: 0" => "listen: backlog: expected an Integer from 1 to 65535, got 0",
    "listen 80, backlogs: 1" => "listen: unknown option backlogs; did you mean backlog?",
    "worker_proceses 4" => "unknown setting worker_proceses; did you mean worker_processes?",
    "after_worker_forks { }" => "unknown setting after_worker_forks; did you mean after_worker_fork?",
    "cleanup_timeout 4" => "unknown setting cleanup_timeout",
    "zzz" => "unknown setting zzz",
    "before_fork 3" => "before_fork: expected a block or an object with call, got 3",
    "after_worker_fork ->(server) { }" =>
      "after_worker_fork: is called with 2 arguments (server, worker), but this proc takes 1",
    "after_worker_exit ->(a, b, c, d, *e) { }" =>
      "after_worker_exit: is called with 3 arguments (server, worker, status), but this proc takes at least 4",
    "before_fork lambda { |server, key:| }" =>
      "before_fork: is called with 1 argument (server), but this proc takes required keywords",
    "before_fork [].method(:clear)" =>
      "before_fork: is called with 1 argument (server), but this method takes 0",
    "before_fork(-> { }) { }" => "before_fork: expected a block or an object with call, got both",
    "raise 'no luck'" => "RuntimeError: no luck",
    "raise IOError" => "IOError: IOError",
    "require 'no/such/library'" => "LoadError: cannot load such file -- no/such/library"
  }.freeze

  # The mistake is in line 3, so that a line number that is always 1 cannot pass.
  BAD.each do |source, message|
    define_method("test_bad_#{source}") do
      error = assert_raises(Pitchfork::ConfigurationError) { evaluate("# a comment\nworker_processes 2\n#{source}\n") }

      assert_equal("#{PATH}:3: #{message}", error.message.sub(/ \(raised at .*\)\z/, ""))
    end
  end

  def test_long_values_are_cut_and_kept_on_one_line
    assert_message("#{PATH}:1: setpgid: expected true or false, got \"#{"x" * 56}...") do
      evaluate("setpgid 'x' * 100")
    end
    assert_message("#{PATH}:1: setpgid: expected true or false, got #<struct a=1>") do
      evaluate("setpgid Struct.new(:a) { def inspect = \"#<struct\n a=1>\" }.new(1)")
    end
  end

  def test_each_callback_by_each_of_its_names
    Pitchfork::Configuration::CALLBACKS.each do |setting|
      setting.names.each do |name|
        assert_equal([setting.name], evaluate("#{name} { |*arguments| arguments }").callbacks.keys)
      end
    end
  end

  def test_callables_that_fit
    [
      "before_fork { }", "before_fork { |server, more| }", "before_fork ->(server) { }", "before_fork ->(*all) { }",
      "before_fork ->(server, more = 1) { }", "before_fork method(:Integer)",
      "before_fork Class.new { def call(_server) = 3 }.new", "before_fork Class.new { def self.call(a, b, c) = 3 }"
    ].each { |source| assert_respond_to(evaluate(source).callbacks[:before_fork], :call, source) }
  end

  def test_the_last_callback_wins_and_nil_removes_it
    assert_equal(2, evaluate("before_fork { 1 }; before_fork { 2 }").callbacks[:before_fork].call(nil))
    assert_nil(evaluate("before_fork { 1 }; before_fork nil").callbacks[:before_fork])
  end

  def test_a_line_is_found_through_a_method_and_through_another_file
    write("shared.rb", "def self.pool(configurator)\n  configurator.spawn_timeout(0)\nend\n")
    source = "def workers(count)\n  worker_processes count\nend\n\nworkers 0\n"

    assert_message("#{PATH}:2: worker_processes: expected an Integer from 1 to 1024, got 0") { evaluate(source) }
    assert_message("#{PATH}:3: spawn_timeout: expected a number of seconds > 0, got 0") do
      evaluate("require '#{@directory}/shared'\n\nTOPLEVEL_BINDING.receiver.pool(self)\n")
    end
  end

  def test_an_exception_from_another_file_names_both
    path = write("boom.rb", "\nraise 'boom'\n")

    assert_message("#{PATH}:2: RuntimeError: boom (raised at #{path}:2)") { evaluate("\nload '#{path}'\n") }
  end

  def test_a_syntax_error_names_the_file
    error = assert_raises(Pitchfork::ConfigurationError) { evaluate("worker_processes 4\nlisten 80 do |") }

    assert_match(/\A#{PATH}: SyntaxError: .*#{PATH}:2: /m, error.message)
  end

  def test_exit_is_not_a_mistake
    assert_raises(SystemExit) { evaluate("exit 3") }
  end

  def test_the_file_is_at_home
    write("config/other.rb", "OTHER = 3\n")
    write(PATH, "\uFEFFrequire_relative 'other'\nworker_processes OTHER\ndef home = [__FILE__, __dir__, 'ü'.encoding]\n")
    configurator = Pitchfork::Configurator.new.load_file(PATH)

    assert_equal(3, configurator.values[:worker_processes])
    assert_equal([PATH, "config", Encoding::UTF_8], configurator.home)
  end

  def test_a_file_that_cannot_be_read
    Dir.mkdir("directory")

    assert_message("nothing.rb: no such file") { Pitchfork::Configurator.new.load_file("nothing.rb") }
    assert_message("directory: cannot be read") { Pitchfork::Configurator.new.load_file("directory") }
  end

  def test_listeners_in_order_and_the_last_of_the_same_address_wins
    listeners = evaluate("listen 80, backlog: 1; listen '/a.sock'; listen '0.0.0.0:80', backlog: 2").listeners

    assert_equal(["/a.sock", "0.0.0.0:80"], listeners.map { |spec| spec.address.to_s })
    assert_equal(2, listeners.last[:backlog])
    assert_equal(2, evaluate("listen 0; listen 0").listeners.size)
  end

  def test_locations
    configurator = evaluate("worker_processes 2\nafter_master_ready { }\ntimeout 3\nlisten 0\n")
    lines = configurator.locations.transform_keys { |key| key.is_a?(Symbol) ? key : key.address.to_s }

    assert_equal({ worker_processes: "#{PATH}:1", after_monitor_ready: "#{PATH}:2", timeout: "#{PATH}:3",
                   "0.0.0.0:0" => "#{PATH}:4" }.to_a, lines.to_a)
  end

  def test_a_value_from_elsewhere
    configurator = evaluate("worker_processes 2")
    configurator.set(:worker_processes, 5, source: "-O Workers")

    assert_equal(5, configurator.values[:worker_processes])
    assert_message("-O Workers: expected an Integer from 1 to 1024, got \"many\"") do
      configurator.set(:worker_processes, "many", source: "-O Workers")
    end
  end

  private

  def evaluate(source)
    Pitchfork::Configurator.new.evaluate(source, PATH)
  end
end
