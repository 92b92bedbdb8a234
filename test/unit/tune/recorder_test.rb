# frozen_string_literal: true

require "stringio"
require "support/unit_helper"
require "pitchfork/tune/recorder"
require "pitchfork/tune/request_list"

class TuneRecorderTest < UnitTest
  Tune = Pitchfork::Tune

  def setup
    write("list", "# begun\n")
    write("complaints")
    @seen = []
    @recorder = Tune::Recorder.new(->(env) { @seen << env["rack.input"]&.read }, **options)
  end

  def options
    { path: "list", headers: %w[X-Mine host], most: 10, complaints: "complaints" }
  end

  def call(path, query = "", **env)
    @recorder.call({ "REQUEST_METHOD" => "GET", "PATH_INFO" => path, "QUERY_STRING" => query }.merge(env.transform_keys(&:to_s)))
  end

  def post(body, **env)
    call("/post", REQUEST_METHOD: "POST", CONTENT_LENGTH: body.bytesize.to_s, "rack.input": StringIO.new(body), **env)
  end

  def test_what_is_written_can_be_replayed
    call("/a", "b=c", HTTP_COOKIE: "secret", HTTP_ACCEPT: "*/*", HTTP_X_MINE: "1", HTTP_HOST: "example.org")
    post("ten bytes.", CONTENT_TYPE: "text/plain")
    call("/plain")
    requests = Tune::RequestList.read("list").requests

    assert_equal [
      ["GET", "/a?b=c", { "Accept" => "*/*", "Host" => "example.org", "X-Mine" => "1" }, ""],
      ["POST", "/post", { "Content-Type" => "text/plain" }, "ten bytes."], ["GET", "/plain", {}, ""]
    ], requests.map(&:to_a)
    assert_equal [nil, "ten bytes.", nil], @seen
  end

  def test_what_is_left_out_reaches_the_app_untouched
    post("eleven byte")
    post("unknown", CONTENT_LENGTH: nil, HTTP_TRANSFER_ENCODING: "chunked")
    call("/socket", HTTP_UPGRADE: "websocket")
    call("*", REQUEST_METHOD: "OPTIONS")

    assert_equal ["eleven byte", "unknown", nil, nil], @seen
    assert_equal ["# begun", "# left out, its body is larger than 10 bytes: POST /post",
                  "# left out, it does not say how long its body is: POST /post", "# left out, it asks for an upgrade: GET /socket",
                  "# left out, its path is none: OPTIONS *"], File.readlines("list", chomp: true)
  end

  # JSON is text. What comes from the wire is bytes, and says nothing of what they mean.
  def test_what_is_no_text_is_left_out
    call("/a", HTTP_X_MINE: "caf\xE9".b)
    call("/caf\xE9".b)
    call("/b", HTTP_X_MINE: "café".b)
    assert_equal ["# begun", "# left out, its header X-Mine is not UTF-8: GET /a", "# left out, its path is not UTF-8: GET /caf\uFFFD",
                  '{"method":"GET","path":"/b","headers":{"X-Mine":"café"}}'], File.readlines("list", chomp: true, encoding: "utf-8")
    assert_equal [[nil] * 3, ""], [@seen, File.read("complaints")]
  end

  def test_a_list_that_is_gone_is_nobody_elses_problem
    File.delete("list")
    2.times { call("/a") }
    assert_equal [nil, nil], @seen
    refute_path_exists "list"
    assert_match(/\ANo such file or directory .*list \(Errno::ENOENT\)\n\z/, File.read("complaints"), "once is enough")
  end

  def test_nothing_keeps_the_app_from_being_called
    File.delete("complaints")
    input = StringIO.new("left").tap(&:close)
    @recorder = Tune::Recorder.new(->(env) { @seen << env["PATH_INFO"] }, **options)
    call("/post", REQUEST_METHOD: "POST", CONTENT_LENGTH: "4", "rack.input": input)
    call("/later")
    assert_equal %w[/post /later], @seen
    assert_equal ["# begun", "GET /later"], File.readlines("list", chomp: true)
  end

  def test_once_a_worker
    server = Struct.new(:app).new(:app)
    2.times { Tune::Recorder.install(server, **options) }
    assert_equal :app, server.app.instance_variable_get(:@app)
  end
end
