# frozen_string_literal: true

require "rack"
require "uri"
require "rack/lint"
require "support/unit_helper"
require "pitchfork/configuration"
require "pitchfork/errors"
require "pitchfork/rack_env"

# One adapter for each SPEC. Of the four, one runs against its own Rack here; what the others want is a table made from
# their SPEC.rdoc and lint.rb.
class RackEnvTest < UnitTest
  ADAPTERS = {
    "1.6.13" => "Rack22", "2.0.9" => "Rack22", "2.2.22" => "Rack22", "3.0.0.rc1" => "Rack30", "3.0.18" => "Rack30",
    "3.1.0" => "Rack31", "3.1.20" => "Rack31", "3.2.0" => "Rack32", "3.10.1" => "Rack32", "4.0.0.beta1" => "Rack32",
    nil => "Rack32"
  }.freeze

  # What Lint raises about when it is missing. rack.input: 3.1 made it optional.
  ALWAYS = %w[REQUEST_METHOD SERVER_NAME QUERY_STRING SERVER_PROTOCOL rack.errors rack.url_scheme].freeze
  REQUIRED = {
    "2.2" => %w[rack.version rack.input rack.multithread rack.multiprocess rack.run_once rack.hijack],
    "3.0" => %w[rack.input], "3.1" => [], "3.2" => []
  }.freeze
  # "The prefix rack. is reserved … and must not be used otherwise": the names that each SPEC knows. rack.after_reply is
  # not among them anywhere, and what servers agreed on before there was rack.response_finished.
  COMMON = %w[rack.url_scheme rack.input rack.errors rack.hijack? rack.hijack rack.logger rack.session rack.after_reply
              rack.response_finished].freeze
  KNOWN = {
    "2.2" => %w[rack.version rack.multithread rack.multiprocess rack.run_once rack.hijack_io], "3.0" => [],
    "3.1" => %w[rack.protocol rack.early_hints], "3.2" => %w[rack.protocol rack.early_hints]
  }.freeze
  # The target of a request as PATH_INFO may show it.
  PATHS = { "2.2" => ["", ""], "3.0" => ["", ""], "3.1" => ["*", "h:443"], "3.2" => ["*", "h:443"] }.freeze
  # Whether rack.input has to have `rewind`.
  REWIND = { "2.2" => true, "3.0" => false, "3.1" => false, "3.2" => false }.freeze

  def test_the_adapter_of_a_release
    assert_equal(ADAPTERS, ADAPTERS.to_h { |release, _| [release, adapter(release).class.name.split("::").last] })
  end

  def test_the_adapter_of_the_rack_that_is_loaded
    expected = adapter(Rack.release)
    assert_equal expected.class, Pitchfork::RackEnv.adapter(configuration).class
    assert_equal expected.template.keys, Pitchfork::RackEnv.template(configuration).keys
  end

  def test_keys
    REQUIRED.each do |release, required|
      env = env(release)
      assert_empty (ALWAYS + required).reject { |key| env[key] || env[key] == false }, release
      assert_empty env.keys.grep(/\Arack\./) - COMMON - KNOWN[release], release
      assert_empty env.keys.grep_v(String), release
      assert_equal env["SERVER_PROTOCOL"], env["HTTP_VERSION"], release
    end
  end

  def test_rack_2_2
    assert_equal [[1, 3], false, true, false],
                 env("2.2").values_at("rack.version", "rack.multithread", "rack.multiprocess", "rack.run_once")
  end

  def test_targets_that_are_no_paths
    PATHS.each do |release, expected|
      options = env(release, "REQUEST_METHOD" => "OPTIONS", "PATH_INFO" => "*")
      connect = env(release, "REQUEST_METHOD" => "CONNECT", "PATH_INFO" => "h:443")
      assert_equal expected, [options["PATH_INFO"], connect["PATH_INFO"]], release
      assert_equal "//a", env(release, "PATH_INFO" => "//a")["PATH_INFO"]
    end
  end

  # RFC 9110, section 7.8: the client's order is its preference.
  def test_protocols
    {
      ["upgrade", "websocket"] => ["websocket"],
      ["keep-alive, Upgrade", "h2c,HTTP/2.0 , a/b"] => ["h2c", "HTTP/2.0", "a/b"],
      ["keep-alive", "websocket"] => nil, ["not-upgrade", "websocket"] => nil, [nil, "websocket"] => nil, ["upgrade", nil] => nil
    }.each do |(connection, upgrade), expected|
      fields = { "HTTP_CONNECTION" => connection, "HTTP_UPGRADE" => upgrade }.compact
      %w[3.1 3.2].each { |release| assert_equal [expected].compact, env(release, fields).values_at("rack.protocol").compact }
      %w[2.2 3.0].each { |release| refute_includes env(release, fields), "rack.protocol" }
      refute_includes env("3.1", fields.merge("SERVER_PROTOCOL" => "HTTP/1.0")), "rack.protocol"
    end
  end

  def test_inputs
    REWIND.each do |release, needed|
      [true, false].each do |setting|
        input = adapter(release, "rewindable_input #{setting}").input(nil)
        assert_equal needed || setting, input.respond_to?(:rewind), "#{release} #{setting}"
      end
      assert_respond_to adapter(release).template["rack.input"], :rewind
    end
  end

  def test_templates_are_separate
    adapter("3.1").template["REMOTE_ADDR"] = "changed"
    assert_nil adapter("3.1").template["REMOTE_ADDR"]
  end

  def test_lint_of_the_rack_that_is_loaded
    forms = { "GET" => "/a", "OPTIONS" => "*", "CONNECT" => "h:443" }
    forms.each do |method, path|
      app = Rack::Lint.new(->(_) { [200, { "content-type" => "text/plain" }, []] })
      assert_equal 200, app.call(env(Rack.release, "REQUEST_METHOD" => method, "PATH_INFO" => path)).first
    end
  end

  def test_the_files_of_uploads
    files = Array.new(2) { Tempfile.new("upload") } << StringIO.new << Object.new
    errors = []
    2.times { Pitchfork::RackEnv.clean({ "rack.tempfiles" => files }) { |error| errors << error.class } }
    assert_equal [[nil, nil], true, [NoMethodError] * 2], [files.first(2).map(&:path), files[2].closed?, errors]
    Pitchfork::RackEnv.clean({}) { flunk }
  end

  private

  def configuration(text = "")
    Pitchfork::Configuration.load(app: ->(_) {}, config_file: write("pitchfork.rb", text))
  end

  def adapter(release, text = "")
    Pitchfork::RackEnv.adapter(configuration(text), release)
  end

  # As the extension makes it from the template.
  def env(release, fields = {})
    adapter = adapter(release)
    common = { "SERVER_NAME" => "test", "SERVER_PORT" => "80", "REMOTE_ADDR" => "127.0.0.1", "REQUEST_URI" => "/", "PATH_INFO" => "/" }
    connection = { "rack.hijack" => -> {}, "rack.response_finished" => [], "rack.after_reply" => [] }
    adapter.template.merge(common, connection, fields).tap { |env| adapter.complete(env) }
  end
end
