# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configuration"

class ConfigurationTest < UnitTest
  DEFAULTS = {
    worker_processes: 1, timeout: 20, cleanup_timeout: 2, spawn_timeout: 10, refork_after: nil,
    refork_max_unavailable: nil, promotion: :auto, max_consecutive_spawn_errors: nil, early_hints: false,
    pid: nil, user: nil, group: nil, oom_score_adj: true,
    check_client_connection: false, rewindable_input: true, client_body_buffer_size: 114_688, setpgid: true,
    client_header_timeout: 10, client_body_timeout: 30, client_write_timeout: 30, client_request_line_max_size: 8192,
    client_header_field_max_size: 81_920, client_header_max_size: 114_688, client_header_max_fields: 100,
    client_body_max_size: nil, trusted_proxies: [], lint: false,
    rackup: nil, app: nil, argv: [], config_file: nil, environment: "development", requires: [], eval_code: []
  }.freeze

  def test_defaults
    configuration = Pitchfork::Configuration.load

    DEFAULTS.each do |name, value|
      actual = configuration.public_send(name)
      value.nil? ? assert_nil(actual, name) : assert_equal(value, actual, name)
    end
    assert_equal(["0.0.0.0:8080"], places(configuration))
    assert_equal(Pitchfork::Configuration::CALLBACKS.map(&:name), configuration.callbacks.keys)
    assert_empty(configuration.callbacks.values.compact)
  end

  def test_the_default_logger_writes_to_standard_error
    logger = nil
    _, error = capture_io do
      logger = Pitchfork::Configuration.load.logger
      logger.info("hello")
    end

    assert_instance_of(Logger, logger)
    assert_match(/INFO -- : hello$/, error)
  end

  def test_the_default_file_is_read_when_there_is_one
    write("config/pitchfork.rb", "worker_processes 7")
    write("other.rb", "worker_processes 8")

    assert_equal([7, "config/pitchfork.rb"], load_and_get(:worker_processes, :config_file))
    assert_equal([8, "other.rb"], load_and_get(:worker_processes, :config_file, config_file: "other.rb"))
    assert_message("no.rb: no such file") { Pitchfork::Configuration.load(config_file: "no.rb") }
  end

  def test_values_and_context
    configuration = configure(
      "worker_processes 3; refork_after [50, false]; promotion :fork; refork_max_unavailable 0",
      rackup: "config.ru", argv: %w[-p 80], environment: "production", requires: ["json"], eval_code: ["1"]
    )

    assert_equal([3, [50, false], :fork, 0], [configuration.worker_processes, configuration.refork_after,
                                              configuration.promotion, configuration.refork_max_unavailable])
    assert_equal(["#{@directory}/config.ru", %w[-p 80], "production", ["json"], ["1"]],
                 [configuration.rackup, configuration.argv, configuration.environment,
                  configuration.requires, configuration.eval_code])
  end

  def test_nothing_can_be_changed
    configuration = configure("listen 80; before_fork { }; refork_after [1]", argv: ["-w"])
    parts = [configuration, *%i[listeners callbacks argv requires eval_code refork_after].map do |name|
      configuration.public_send(name)
    end, configuration.argv.first, configuration.listeners.first, configuration.listeners.first.options]

    assert_empty(parts.reject(&:frozen?))
  end

  # Which generation they hold for is decided in ext/core/src/policy/refork_after.rs.
  def test_refork_limits
    {
      "refork_after [50, 100, 1000]" => [50, 100, 1000],
      "refork_after [50, 100, false]" => [50, 100, false],
      "refork_after 50" => [50]
    }.each do |source, limits|
      assert_equal(limits, configure(source).refork_after, source)
    end
    assert_nil configure("refork_after nil").refork_after
  end

  def test_callbacks_by_name_and_alias
    configuration = configure("after_master_ready { 1 }; before_fork { 2 }")

    assert_equal([1, 1, 2], %i[after_monitor_ready after_master_ready before_fork].map { |name| configuration.callback(name).call })
    assert_nil(configuration.callback(:after_worker_fork))
    assert_raises(KeyError) { configuration.callback(:after_lunch) }
  end

  def test_listeners_of_both_the_command_line_and_the_file
    given = ["127.0.0.1:1", "127.0.0.1:2"].map { |value| Pitchfork::ListenerSpec.parse(value) }
    configuration = configure("listen '127.0.0.1:2', backlog: 7; listen 3", listeners: given)

    assert_equal(["127.0.0.1:1", "127.0.0.1:2", "0.0.0.0:3"], places(configuration))
    assert_equal(7, configuration.listeners[1][:backlog])
  end

  def test_promotion_in_place_needs_a_worker_to_spare
    contradiction = "contradicts refork_max_unavailable 0: promotion in place takes a worker out of rotation before " \
                    "it can be replaced; allow at least refork_max_unavailable 1, or use promotion :auto or :fork"

    assert_message("settings.rb:2: promotion :in_place #{contradiction}") do
      configure("refork_max_unavailable 0\npromotion :in_place")
    end
    assert_equal(:in_place, configure("promotion :in_place").promotion)
    assert_equal(:in_place, configure("promotion :in_place; refork_max_unavailable 1").promotion)
    assert_equal(:auto, configure("refork_max_unavailable 0").promotion)
  end

  def test_a_block_overrides_the_file
    write("settings.rb", "worker_processes 2")
    configuration = Pitchfork::Configuration.load(config_file: "settings.rb") do |configurator|
      configurator.set(:worker_processes, 9, source: "-O Workers")
    end

    assert_equal(9, configuration.worker_processes)
  end

  private

  def configure(source, **context)
    write("settings.rb", source)
    Pitchfork::Configuration.load(config_file: "settings.rb", **context)
  end

  def load_and_get(*names, **context)
    configuration = Pitchfork::Configuration.load(**context)
    names.map { |name| configuration.public_send(name) }
  end

  def places(configuration)
    configuration.listeners.map { |spec| spec.address.to_s }
  end
end
